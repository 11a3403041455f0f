import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { stringify } from 'yaml';
import { makeDirectory } from '../directories.ts';
import { runCli } from '../run-cli.ts';
import { until } from '../until.ts';

import {
  kubectl,
  call as makeCall,
  makeTenant,
  operatorNamespace,
  organizationOf,
  skip,
  startWorkload,
} from './cluster.ts';

/** What a person would do through a pod that has a proxy. */
const ask = `fetch('http://127.0.0.1:8000/v1/analytics/models?kind=all', { headers: { authorization: 'Bearer ' + process.argv[1] } })
  .then(async (answer) => console.log(JSON.stringify([answer.status, await answer.json()])))`;

const installation = ['--namespace', operatorNamespace, '--kubeconfig', process.env.KUBECONFIG ?? ''];

suite('people', { skip }, () => {
  test('get tokens, see usage, cost, explanations and simulations, and have tokens revoked, by the rights of a kubeconfig', async (t) => {
    const { name } = await makeTenant(t);
    await startWorkload(name);
    const chaperone = async (...args: string[]) => {
      const { code, stdout, stderr } = await runCli([...args, '--organization', name, ...installation]);
      assert.deepEqual([code, stderr], [0, ''], args.join(' '));
      return stdout.trim();
    };
    for (let index = 0; index < 3; index += 1) {
      const { id, code } = await makeCall(name, {});
      assert.ok(id !== undefined, code ?? 'it has no id');
    }
    const token = await chaperone('token', '--user', 'ada', '--roles', 'analyst', '--expires', '1h');
    const askWith = async () => {
      const pod = ['exec', '--namespace', name, 'deployment/workload', '--container=app', '--'];
      return JSON.parse(await kubectl(...pod, 'node', '-e', ask, token)) as [number, { total_cost: number }];
    };
    const [status, figures] = await askWith();
    assert.equal(status, 200);

    const { total, groups } = JSON.parse(await chaperone('usage', '--by', 'workload', '--output', 'json'));
    assert.equal(total.calls, 3);
    assert.ok(total.inputTokens > 0 && total.outputTokens > 0);
    assert.equal(Number(total.costUsd), figures.total_cost);
    assert.deepEqual(groups, [{ workload: `${name}/workload`, ...groupOf(total) }]);
    t.diagnostic(`\n${await chaperone('usage')}`);

    const call = ['chat', '--user', 'ada', '--model', 'gpt-4o-mini', '--workload', `${name}/workload`];
    const explained = JSON.parse(await chaperone('explain', ...call, '--output', 'json'));
    assert.deepEqual([explained.outcome, explained.route[0].provider], ['allowed', 'openai']);
    const changed = join(await makeDirectory(t), 'organization.yaml');
    const limit = { name: 'one', per: 'Workload', requests: { count: 1, window: '24h' } };
    await writeFile(changed, stringify(organizationOf(name, { limits: [limit] })));
    const simulated = JSON.parse(await chaperone('simulate', '--file', changed, '--since', '1h', '--output', 'json'));
    assert.deepEqual([simulated.calls, simulated.refused.calls], [3, 2]);
    assert.equal(simulated.refused.rules[0].decided_by[0].field, 'spec.limits[0]');

    assert.match(await chaperone('token', 'revoke', '--user', 'ada'), /^Revoked in organization/);
    await until(async () => (await askWith())[0] === 401, 'the token to be refused');
    const unknown = await runCli(['usage', '--organization', 'nobody', ...installation]);
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, /^chaperone: There is no organization "nobody" in the database\n$/);
  });

  test('see limits, conversations, jobs, and what was refused, in an audit log that is intact', async (t) => {
    const limit = { name: 'two', requests: { count: 2, window: '24h' } };
    const { name } = await makeTenant(t, { limits: [limit] });
    await startWorkload(name);
    const chaperone = async (...args: string[]) => {
      const { code, stdout, stderr } = await runCli([...args, '--organization', name, ...installation]);
      assert.deepEqual([code, stderr], [0, ''], args.join(' '));
      return stdout.trim();
    };
    const read = async (...args: string[]) => JSON.parse(await chaperone(...args, '--output', 'json'));
    for (const expected of [undefined, undefined, 429]) assert.equal((await makeCall(name, {})).status, expected);

    const refused = await until(async () => {
      const { entries } = await read('audit', 'list', '--kind', 'refusal');
      return entries.length > 0 && entries;
    }, 'the refusal in the audit log');
    assert.deepEqual(
      [refused.length, refused[0].code, refused[0].rule, refused[0].actor.workload],
      [1, 'limit_reached', { kind: 'limit', name: 'two' }, `${name}/workload`],
    );
    assert.match(await chaperone('audit', 'verify'), new RegExp(`^${name}: intact, `));
    for (const what of ['limits', 'budgets', 'conversations', 'jobs']) {
      t.diagnostic(`\n${await chaperone('get', what)}`);
    }
    assert.match(await chaperone('get', 'limits'), / two +Organization +2 +2 requests +100 /);
    assert.match(await chaperone('get', 'conversations'), new RegExp(`${name} .* gpt-4o`));
    assert.equal(await chaperone('get', 'jobs'), 'No jobs wait.');
  });
});

function groupOf({ analyses: _, ...figures }: { readonly analyses: unknown }): object {
  return figures;
}
