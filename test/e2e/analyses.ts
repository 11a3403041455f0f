import { kubectl, query, withService } from './cluster.ts';

/** What the application does: so many conversations, a few at a time, and an analysis of each. */
const script = `
  const [name, count] = [process.argv[1], Number(process.argv[2])];
  const root = process.env.OPENAI_BASE_URL.replace(/\\/v1$/, '');
  const post = async (path, body) => {
    const headers = { authorization: 'Bearer ' + process.env.OPENAI_API_KEY, 'content-type': 'application/json', 'x-user-id': 'bob@example.com' };
    const answer = await fetch(root + path, { method: 'POST', headers, body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(await answer.text());
    return [answer.headers.get('x-conversation-id'), await answer.json()];
  };
  const items = [];
  const converse = async () => {
    while (items.length < count) {
      const item = { branchId: 'main' };
      const content = name + ' question ' + items.push(item);
      [item.conversationId] = await post('/v1/chat/completions', { model: 'gpt-4o-mini', messages: [{ role: 'user', content }] });
    }
  };
  await Promise.all([1, 2, 3, 4].map(converse));
  const [, outcome] = await post('/api/analyses/bulk', { items });
  console.log(JSON.stringify(outcome));
`;

/** Has the tenant's workload begin so many conversations, and ask for an analysis of each. @returns what it was told */
export function askForAnalyses(tenant: string, count: number): Promise<string> {
  const inPod = ['exec', '--namespace', tenant, 'deployment/workload', '--container=app', '--'];
  return kubectl(...inPod, 'node', '--input-type=module', '-e', script, tenant, String(count));
}

/** The statuses of an organization's analyses. */
export async function readStatuses(organizationId: string): Promise<string[]> {
  const rows = await query<{ status: string }>(
    'select status from chaperone.conversation_analyses where organization_id = $1',
    [organizationId],
  );
  return rows.map(({ status }) => status);
}

/** How many records of each kind and end an organization has. */
export function readEnds(organizationId: string) {
  return query<{ kind: string; status: string; count: number }>(
    `select kind, status, count(*)::int as count from chaperone.requests where organization_id = $1
     group by kind, status order by kind, status`,
    [organizationId],
  );
}

/** Has the calls of workers that do not come back settled, as if they had been away for ten minutes. */
export async function giveUpLostCalls(): Promise<void> {
  await query('select chaperone.look_for_lost_calls()', []);
  await query(`update chaperone.job_intents set lost_at = lost_at - interval '10 minutes'`, []);
  await query('select chaperone.look_for_lost_calls()', []);
}

/** How many calls about each tenant's questions the provider has had. */
export function countBilled(...tenants: readonly string[]): Promise<number[]> {
  return withService('chaperone-sandbox', 8080, async (port) => {
    const base = `http://127.0.0.1:${port}/sandbox/calls`;
    const read = async (url: string) => (await fetch(url)).json();
    const { calls } = (await read(base)) as { calls: { id: string }[] };
    const billed = tenants.map(() => 0);
    const count = async () => {
      for (let call = calls.pop(); call; call = calls.pop()) {
        const { body } = (await read(`${base}/${call.id}`)) as { body: string };
        const whose = tenants.findIndex((tenant) => body.includes(`${tenant} question`));
        if (whose >= 0) billed[whose] = (billed[whose] ?? 0) + 1;
      }
    };
    await Promise.all(Array.from({ length: 8 }, count));
    return billed;
  });
}
