import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { until } from '../until.ts';
import { kubectl, makeTenant, operatorNamespace, query, skip, startWorkload, withService } from './cluster.ts';

const count = 20;

/** What the application does: so many conversations, and an analysis of each. */
const script = `
const root = process.env.OPENAI_BASE_URL.replace(/\\/v1$/, '');
const post = async (path, body) => {
  const headers = { authorization: 'Bearer ' + process.env.OPENAI_API_KEY, 'content-type': 'application/json', 'x-user-id': 'bob@example.com' };
  const answer = await fetch(root + path, { method: 'POST', headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(await answer.text());
  return [answer.headers.get('x-conversation-id'), await answer.json()];
};
const items = [];
for (let number = 0; number < ${count}; number += 1) {
  const content = process.argv[1] + ' question ' + number;
  const [conversationId] = await post('/v1/chat/completions', { model: 'gpt-4o-mini', messages: [{ role: 'user', content }] });
  items.push({ conversationId, branchId: 'main' });
}
const [, outcome] = await post('/api/analyses/bulk', { items });
console.log(JSON.stringify(outcome));
`;

suite('analyses of conversations', { skip }, () => {
  test('are each completed once, though the pods of the workers are killed in the middle', async (t) => {
    const { name, organizationId } = await makeTenant(t);
    await startWorkload(name);
    const inPod = ['exec', '--namespace', name, 'deployment/workload', '--container=app', '--'];
    const output = await kubectl(...inPod, 'node', '--input-type=module', '-e', script, name);
    t.diagnostic(output);
    const killing = ['--selector=app.kubernetes.io/component=worker', '--grace-period=0', '--force'];
    await kubectl('delete', 'pods', '--namespace', operatorNamespace, ...killing);
    const statuses = async () => {
      const rows = await query<{ status: string }>(
        'select status from chaperone.conversation_analyses where organization_id = $1',
        [organizationId],
      );
      return rows.map(({ status }) => status);
    };
    const left = await statuses();
    t.diagnostic(`when the pods were gone: ${left.filter((status) => status === 'completed').length} were completed`);
    assert.equal(left.length, count);
    await until(
      async () => (await statuses()).every((status) => status === 'completed'),
      'all analyses to be completed',
      240_000,
    );
    const records = await query<{ kind: string; status: string; count: number }>(
      `select kind, status, count(*)::int as count from chaperone.requests where organization_id = $1
       group by kind, status order by kind, status`,
      [organizationId],
    );
    t.diagnostic(JSON.stringify(records));
    assert.equal(records.find(({ kind, status }) => kind === 'analysis' && status === 'completed')?.count, count);
    const recorded = records.reduce((sum, row) => sum + row.count, 0);
    assert.equal(await countBilled(name), recorded, 'each call that the provider had has a record');
  });
});

/** How many calls about the tenant's questions the provider has had. */
function countBilled(name: string): Promise<number> {
  return withService('chaperone-sandbox', 8080, async (port) => {
    const base = `http://127.0.0.1:${port}/sandbox/calls`;
    const read = async (url: string) => (await fetch(url)).json();
    const { calls } = (await read(base)) as { calls: { id: string }[] };
    let billed = 0;
    for (const { id } of calls) {
      const { body } = (await read(`${base}/${id}`)) as { body: string };
      if (body.includes(`${name} question`)) billed += 1;
    }
    return billed;
  });
}
