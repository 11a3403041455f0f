import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Client } from 'pg';
import { build } from '../scripts/build.ts';
import { type Benchmark, type BenchmarkContext, type Reach, round } from './benchmark.ts';
import { type Drained, drain, drainingUser, warmUp } from './limits/drain.ts';
import {
  type GovernedProxy,
  type Installation,
  startInstallation,
  startProxyWith,
  untilShipped,
} from './path/governed.ts';
import { startUpstream } from './path/upstream.ts';

const reach: Reach = {
  over_calls: { max: 0 },
  unused_ratio: { max: 0.01 },
  steady_waits: { max: 0 },
  counted_ratio: { min: 1, max: 1 },
  budget_spent_ratio: { max: 1 },
};

/** The operator counts pods to size this, and these proxies are in none. */
const connections = { database: { connections: 200 } };

/** Lets many proxies use up a limit and a budget that they share. */
export const limits: Benchmark = {
  async run(context) {
    const { proxies: count, calls } = readOptions(context.args);
    const { note, onEnd } = context;
    const directory = await mkdtemp(join(tmpdir(), 'chaperone-bench-'));
    onEnd(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
    note('Building, and starting everything ...');
    await build();
    const upstream = await startUpstream(directory, context);
    const url = `http://127.0.0.1:${upstream.port}/v1`;

    const limit = { name: 'calls', match: { users: [drainingUser] }, requests: { count: calls, window: '24h' } };
    const { drained, counted } = await measure(
      directory,
      'limit',
      url,
      count,
      calls,
      { limits: [limit], ...connections },
      context,
    );
    note(`${drained.made} of ${calls} calls in ${round(drained.seconds)} s`);
    // A call of the benchmark costs 0.000144 dollars.
    const budget = {
      ...{ name: 'total', match: { users: [drainingUser] } },
      ...{ amountUsd: String(calls / 100_000), window: 'Total' },
    };
    const spent = await measure(
      directory,
      'budget',
      url,
      count,
      calls / 14,
      { budgets: [budget], ...connections },
      context,
    );
    return {
      figures: {
        proxies: count,
        made_calls: drained.made,
        over_calls: Math.max(0, drained.made - calls),
        unused_ratio: round(Math.max(0, calls - drained.made) / calls),
        waits: drained.waits,
        steady_waits: drained.steadyWaits,
        counted_ratio: counted / drained.made,
        calls_per_s: round(drained.made / drained.seconds),
        budget_calls: spent.drained.made,
        budget_spent_ratio: round(spent.counted / (Number(budget.amountUsd) * 1e9)),
      },
      reach,
      summary: `${count} proxies, a limit of ${calls} calls, then a budget of ${budget.amountUsd} dollars.`,
    };
  },
};

async function measure(
  directory: string,
  name: string,
  upstreamUrl: string,
  count: number,
  calls: number,
  spec: Readonly<Record<string, unknown>>,
  context: BenchmarkContext,
): Promise<{ drained: Drained; counted: number }> {
  const own = join(directory, name);
  const installation = await startInstallation(own, upstreamUrl, context, spec);
  const proxies: GovernedProxy[] = [];
  while (proxies.length < count) {
    proxies.push(await startProxyWith([], join(own, `proxy-${proxies.length}`), installation, context));
  }
  await warmUp(proxies, installation.token);
  const drained = await drain(proxies, installation.token, calls);
  // A proxy that stops does not wait long for PostgreSQL: its volume keeps what is not there.
  await Promise.all(proxies.map(untilShipped));
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  const counted = await readCounted(installation);
  await installation.stop();
  return { drained, counted };
}

/** What PostgreSQL has counted once all records are there. */
async function readCounted({ databaseUrl }: Installation): Promise<number> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ counted: string }>(
      `select (select coalesce(sum(used), 0) from chaperone.quota_counters)
         + (select coalesce(sum(settled), 0) from chaperone.quota_leases) as counted`,
    );
    return Number(rows[0]?.counted);
  } finally {
    await client.end();
  }
}

function readOptions(args: readonly string[]): { proxies: number; calls: number } {
  const { values } = parseArgs({
    args: [...args],
    options: { proxies: { type: 'string', default: '16' }, calls: { type: 'string', default: '10000' } },
  });
  return { proxies: Number(values.proxies), calls: Number(values.calls) };
}
