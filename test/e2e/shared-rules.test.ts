import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { until } from '../until.ts';
import {
  apply,
  type CallOutcome,
  getJson,
  kubectl,
  makeTenant,
  parseOutcomes,
  podTemplate,
  query,
  skip,
  withService,
} from './cluster.ts';
import { endless } from './jobs.ts';

const limit = 400;
const budgetUsd = 0.009;

suite('pods that share a limit and a budget', { skip }, () => {
  test('make together no call more than the limit and the budget allow, while pods come and go', async (t) => {
    const limits = (count: number) => [{ name: 'calls', requests: { count, window: '24h' } }];
    const budgets = [{ name: 'total', amountUsd: String(budgetUsd), window: 'Total' }];
    const { name, organizationId } = await makeTenant(t, { limits: limits(limit), budgets });
    await startCallers(name);
    const recorded = () => readRecords(organizationId);
    await until(async () => (await recorded()).calls > 20, 'the first pod to call');
    await kubectl('scale', 'deployment/workload', '--namespace', name, '--replicas=3');
    await untilLast(name, 3, () => true, 'three pods to call');
    const [first] = await findPods(name);
    await kubectl('delete', 'pod', first ?? '', '--namespace', name, '--wait=false');
    assert.ok((await recorded()).calls < limit, 'the limit lasts until pods have come and gone');

    await untilLast(name, 3, ({ code }) => code === 'limit_reached', 'the limit to be reached', first);
    const { calls } = await until(async () => {
      const found = await recorded();
      return found.calls >= limit && found;
    }, 'all of the limit to be used');
    const billed = await countBilled(name);
    t.diagnostic(`of a limit of ${limit} calls, ${calls} were recorded, and the provider counted ${billed}`);
    assert.deepEqual([calls, billed], [limit, limit]);

    const patch = JSON.stringify({ spec: { limits: limits(1_000_000) } });
    await kubectl('patch', 'organization', name, '--type=merge', `--patch=${patch}`);
    await untilLast(name, 3, ({ code }) => code === 'insufficient_quota', 'the budget to be used up', first);
    const spent = await until(async () => {
      const { calls: made, costUsd } = await recorded();
      return made > limit && made === (await countBilled(name)) && costUsd;
    }, 'all records');
    t.diagnostic(`of a budget of $${budgetUsd}, $${spent} are spent`);
    // What is left does not pay for the longest answer that a call allows.
    assert.ok(spent <= budgetUsd && spent > 0.95 * budgetUsd, `$${spent}`);
    t.diagnostic(`\n${await kubectl('get', 'organization', name, '--output=wide')}`);
  });
});

/** A Deployment whose pods call without end. */
async function startCallers(name: string): Promise<void> {
  const body = { model: 'gpt-4o-mini', input: 'Hi', max_output_tokens: 40, metadata: { tenant: name } };
  const options = { pauseMs: 60, maxRetries: 0 };
  const args = ['/app/e2e/workload.mjs', String(endless), JSON.stringify(body), JSON.stringify(options)];
  const template = podTemplate(args);
  await apply(name, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'workload' },
    spec: {
      selector: { matchLabels: { app: 'workload' } },
      template: { ...template, spec: { ...template.spec, restartPolicy: 'Always' } },
    },
  });
}

/** Those that stay, the oldest first. */
async function findPods(name: string): Promise<string[]> {
  const { items } = await getJson<{
    items: { metadata: { name: string; creationTimestamp: string; deletionTimestamp?: string } }[];
  }>('pods', '--namespace', name, '--selector=app=workload');
  return items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .sort((one, other) => one.metadata.creationTimestamp.localeCompare(other.metadata.creationTimestamp))
    .map(({ metadata }) => metadata.name);
}

/** Waits until the last call of each of so many pods is such a one. */
async function untilLast(
  name: string,
  count: number,
  isSuch: (outcome: CallOutcome) => boolean,
  what: string,
  without?: string,
): Promise<void> {
  await until(
    async () => {
      const pods = (await findPods(name)).filter((pod) => pod !== without);
      const last = await Promise.all(
        pods.map(async (pod) => {
          const log = await kubectl('logs', pod, '--namespace', name, '--container=app', '--tail=1').catch(() => '');
          return parseOutcomes(log)[0];
        }),
      );
      return last.length >= count && last.every((outcome) => outcome && isSuch(outcome));
    },
    what,
    180_000,
  );
}

async function readRecords(organizationId: string): Promise<{ calls: number; costUsd: number }> {
  const [row] = await query<{ calls: string; cost_usd: string }>(
    'select count(*) as calls, coalesce(sum(cost_usd), 0) as cost_usd from chaperone.requests where organization_id = $1',
    [organizationId],
  );
  return { calls: Number(row?.calls), costUsd: Number(row?.cost_usd) };
}

/** How many calls of the tenant the provider has had. */
function countBilled(tenant: string): Promise<number> {
  return withService('chaperone-sandbox', 8080, async (port) => {
    const base = `http://127.0.0.1:${port}/sandbox/calls`;
    const read = async (url: string) => (await fetch(url)).json();
    const { calls } = (await read(base)) as { calls: { id: string }[] };
    let count = 0;
    for (const { id } of calls) {
      const { body } = (await read(`${base}/${id}`)) as { body: string };
      if (JSON.parse(body).metadata?.tenant === tenant) count += 1;
    }
    return count;
  });
}
