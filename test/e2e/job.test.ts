import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { until } from '../until.ts';
import { makeTenant, query, skip } from './cluster.ts';
import { readCalls, startCalls, untilComplete } from './jobs.ts';

suite('a Job with the proxy beside it', { skip }, () => {
  test('completes when its application does, and every call is recorded', async (t) => {
    const { name, organizationId } = await makeTenant(t);
    await startCalls(name, 3, {});
    await untilComplete(name);
    const ids = (await readCalls(name)).map(({ id }) => id);
    assert.equal(ids.filter((id) => id?.startsWith('resp_')).length, 3);
    const recorded = await until(async () => {
      const rows = await query<{ response_id: string }>(
        'select response_id from chaperone.requests where organization_id = $1',
        [organizationId],
      );
      return rows.length >= 3 && rows.map((row) => row.response_id);
    }, 'the records');
    assert.deepEqual(recorded.sort(), ids.sort());
  });
});
