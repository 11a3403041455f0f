import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { until } from '../until.ts';
import { askForAnalyses, countBilled, giveUpLostCalls, readEnds, readStatuses } from './analyses.ts';
import { kubectl, makeTenant, operatorNamespace, skip, startWorkload } from './cluster.ts';

const count = 20;

suite('analyses of conversations', { skip }, () => {
  test('are each completed once, though the pods of the workers are killed in the middle', async (t) => {
    const { name, organizationId } = await makeTenant(t);
    await startWorkload(name);
    t.diagnostic(await askForAnalyses(name, count));
    const killing = ['--selector=app.kubernetes.io/component=worker', '--grace-period=0', '--force'];
    await kubectl('delete', 'pods', '--namespace', operatorNamespace, ...killing);
    const left = await readStatuses(organizationId);
    t.diagnostic(`when the pods were gone: ${left.filter((status) => status === 'completed').length} were completed`);
    assert.equal(left.length, count);
    await until(
      async () => (await readStatuses(organizationId)).every((status) => status === 'completed'),
      'all analyses to be completed',
      240_000,
    );
    const [billed = 0] = await countBilled(name);
    const records = await until(async () => {
      await giveUpLostCalls();
      const ends = await readEnds(organizationId);
      return ends.reduce((sum, row) => sum + row.count, 0) >= billed && ends;
    }, 'a record of each call that the provider had');
    t.diagnostic(JSON.stringify(records));
    assert.equal(records.find(({ kind, status }) => kind === 'analysis' && status === 'completed')?.count, count);
    const recorded = records.reduce((sum, row) => sum + row.count, 0);
    assert.equal(billed, recorded, 'each call that the provider had has one record');
  });
});
