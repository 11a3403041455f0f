import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { configChannel } from '../../database/config.ts';
import { quantile } from '../analytics/questions.ts';
import { type Figures, formatTable, type Result, round } from '../benchmark.ts';
import { nextMessage, startNode, stopChild } from '../child.ts';
import { startUpstream } from '../path/upstream.ts';
import { readCpuSeconds, readFamilyCpuSeconds } from '../processor-time.ts';
import type { PartContext } from './part.ts';
import { type Fleet, startFleet, untilInForce } from './proxies/fleet.ts';
import { maxConnections, type SharedInstallation, startShared, users, windowMs } from './proxies/installation.ts';
import type { Called } from './proxies/messages.ts';
import { listSpent, readStatements } from './proxies/statements.ts';

const proxiesOfOrganization = 10;
const restMs = 15_000;
const rounds = 2;
/** Each proxy is called so often. */
const periodMs = 10_000;
const loadWindows = 2;
/** At the beginning of a window, every proxy gets a call within so short a time, besides the others. */
const burstMs = 2_000;
/** A storm lasts from the first lease ahead of the next window until the calls of its beginning have been recorded. */
const storm = { beforeMs: 3_000, afterMs: burstMs + 3_000 };

/** Measures what many proxies cost one PostgreSQL, through PgBouncer. */
export async function measureProxies(context: PartContext): Promise<Result> {
  const { count, note } = context;
  const organizationCount = Math.max(1, Math.round(count / proxiesOfOrganization));
  note(`Starting PostgreSQL, PgBouncer, and the operator over ${organizationCount} Organizations ...`);
  const shared = await startShared(organizationCount, 'transaction', context);
  const { port } = await startUpstream(context.directory, context);
  note('Starting the proxies ...');
  const fleet = await startFleet(shared.organizations, count, `http://127.0.0.1:${port}/v1`, context);
  const database = await openDatabase(shared, context);
  await delay(3_000);

  note(`At rest for ${restMs / 1_000} s ...`);
  const rest = await measureRest(shared, fleet, database);
  note(`Each Organization is edited ${rounds} times ...`);
  const propagated = await measurePropagation(shared, fleet, database);
  note(`Each proxy is called every ${periodMs / 1_000} s, over ${loadWindows} ends of windows ...`);
  const loaded = await measureLoad(shared, fleet, database, context);
  const warnings = [...fleet.warnings].map(([text, times]) => [text, String(times)]);
  return {
    figures: {
      proxies: count,
      organizations: organizationCount,
      reconciled_s: round(shared.reconciledMs / 1_000),
      started_s: round(fleet.startedMs / 1_000),
      ...rest.figures,
      ...propagated,
      ...loaded.figures,
      warnings: [...fleet.warnings.values()].reduce((sum, times) => sum + times, 0),
    },
    reach: {
      connections: { max: maxConnections },
      propagation_p99_ms: { max: 2_500 },
      failed_calls: { max: 0 },
      lost_calls: { max: 0 },
      quota_failures: { max: 0 },
      spool_failures: { max: 0 },
    },
    summary: formatTable([...rest.table, ...loaded.table, ['warnings', 'times'], ...warnings]),
  };
}

async function openDatabase({ superuserUrl }: SharedInstallation, { onEnd }: PartContext): Promise<Client> {
  const client = new Client({ connectionString: superuserUrl });
  await client.connect();
  onEnd(() => client.end());
  await client.query('create extension if not exists pg_stat_statements');
  return client;
}

async function measureRest(shared: SharedInstallation, fleet: Fleet, database: Client) {
  const before = await readStatements(database);
  const spent = await watchProcessors(shared, fleet, restMs);
  const statements = listSpent(before, await readStatements(database));
  return {
    figures: {
      connections: await countConnections(database),
      rest_statements_per_s: round(statements.reduce((sum, { calls }) => sum + calls, 0) / (restMs / 1_000)),
      ...named('rest', spent),
    },
    table: tabulate('at rest', statements, restMs / 1_000),
  };
}

type Listed = ReturnType<typeof listSpent>;

/** The most expensive statements. */
function tabulate(when: string, statements: Listed, seconds: number): string[][] {
  const rows = statements.slice(0, 10).map(({ text, calls, ms, planningMs }) => {
    return [
      text.slice(0, 80),
      ...[calls / seconds, ms / calls, planningMs / calls].map((value) => String(round(value))),
    ];
  });
  return [[`statements ${when}`, 'a second', 'ms each', 'of it planning'], ...rows];
}

/** Server processes that serve somebody. */
async function countConnections(database: Client): Promise<number> {
  const { rows } = await database.query<{ count: number }>(
    `select count(*)::integer as count from pg_stat_activity where backend_type = 'client backend'`,
  );
  return rows[0]?.count ?? 0;
}

interface Spent {
  readonly postgresCores: number;
  readonly poolerCores: number;
  readonly proxyCores: number;
}

/** Measures how many cores are busy with what. */
async function watchProcessors(
  { postgresPid, pooler }: SharedInstallation,
  { pids }: Fleet,
  ms: number,
): Promise<Spent> {
  const read = async () => ({
    postgres: await readFamilyCpuSeconds(postgresPid),
    pooler: await readCpuSeconds(pooler.pid()),
    proxies: (await Promise.all(pids.map(readCpuSeconds))).reduce((sum, each) => sum + each, 0),
  });
  const startedAtMs = performance.now();
  const before = await read();
  await delay(ms);
  const after = await read();
  const seconds = (performance.now() - startedAtMs) / 1_000;
  return {
    postgresCores: (after.postgres - before.postgres) / seconds,
    poolerCores: (after.pooler - before.pooler) / seconds,
    proxyCores: (after.proxies - before.proxies) / seconds,
  };
}

const named = (name: string, { postgresCores, poolerCores, proxyCores }: Spent): Figures => ({
  [`${name}_postgres_cores`]: round(postgresCores),
  [`${name}_pgbouncer_cores`]: round(poolerCores),
  [`${name}_proxies_cores`]: round(proxyCores),
});

/** From the commit of a change, as its notification shows it, until each proxy has it in force. */
async function measurePropagation(
  { organizations, databaseUrl }: SharedInstallation,
  fleet: Fleet,
  database: Client,
): Promise<Figures> {
  const listener = new Client({ connectionString: databaseUrl });
  await listener.connect();
  const nameOf = new Map(organizations.map(({ id, name }) => [configChannel(id), name]));
  const committedAtMs = new Map<string, number>();
  listener.on('notification', ({ channel }) => {
    const name = nameOf.get(channel);
    if (name !== undefined && !committedAtMs.has(name)) committedAtMs.set(name, Date.now());
  });
  for (const channel of nameOf.keys()) await listener.query(`listen ${listener.escapeIdentifier(channel)}`);
  const times: number[] = [];
  for (let number = 1; number <= rounds; number += 1) {
    committedAtMs.clear();
    const from = fleet.inForce.length;
    await Promise.all(organizations.map(({ edit }) => edit(`Be brief, edition ${number}.`)));
    const reached = await untilInForce(fleet, from, fleet.proxies.length);
    for (const { name, atMs } of reached.values()) times.push(atMs - (committedAtMs.get(name) ?? Number.NaN));
    // Further rows of the same edit, and an operator that is still busy, are not part of the next round.
    await delay(3_000);
  }
  await listener.end();
  times.sort((a, b) => a - b);
  return {
    propagation_p50_ms: round(quantile(times, 0.5)),
    propagation_p99_ms: round(quantile(times, 0.99)),
    propagation_longest_ms: round(times.at(-1) ?? Number.NaN),
    connections_after_edits: await countConnections(database),
  };
}

async function measureLoad(
  shared: SharedInstallation,
  fleet: Fleet,
  database: Client,
  { onEnd }: PartContext,
): Promise<{ figures: Figures; table: string[][] }> {
  const caller = startNode(join(import.meta.dirname, 'proxies', 'caller.ts'), []);
  onEnd(() => stopChild(caller));
  const tokens = new Map(shared.organizations.map(({ name, token }) => [name, token]));
  const targets = fleet.proxies.map(({ name, port }) => ({ port, token: tokens.get(name) ?? '' }));
  caller.send({ targets, users, periodMs, windowMs, burstMs });
  // The first calls find nothing leased, and nothing connected.
  await delay(12_000);
  const before = await readStatements(database);
  const beganAtMs = performance.now();
  const calm: Spent[] = [];
  const storms: Spent[] = [];
  const ends: number[] = [];
  const leases: number[] = [];
  for (let number = 0; number < loadWindows; number += 1) {
    const endsAtMs = Math.ceil((Date.now() + storm.beforeMs + 5_000) / windowMs) * windowMs;
    calm.push(await watchProcessors(shared, fleet, endsAtMs - storm.beforeMs - Date.now()));
    const leased = await countLeases(database);
    storms.push(await watchProcessors(shared, fleet, storm.beforeMs + storm.afterMs));
    leases.push((await countLeases(database)) - leased);
    ends.push(endsAtMs);
  }
  const table = tabulate(
    'under load',
    listSpent(before, await readStatements(database)),
    (performance.now() - beganAtMs) / 1_000,
  );
  const connections = await countConnections(database);
  const answered = nextMessage<Called[]>(caller);
  caller.send('end');
  const calls = await answered;
  const settled = calls.filter(({ status }) => status === 200).length;
  const figures = {
    calls_per_s: round(fleet.proxies.length / (periodMs / 1_000)),
    load_connections: connections,
    ...named('load', mean(calm)),
    ...named('storm', mean(storms)),
    storm_leases: Math.round(leases.reduce((sum, each) => sum + each, 0) / leases.length),
    ...latencies(calls, ends),
    failed_calls: calls.length - settled,
    lost_calls: settled - (await countRecords(database, settled)),
    quota_waits: await fleet.sum('chaperone_quota_waits_total'),
    quota_failures: await fleet.sum('chaperone_quota_failures_total'),
    spool_failures: await fleet.sum('chaperone_spool_failures_total'),
  };
  return { figures, table };
}

function mean(all: readonly Spent[]): Spent {
  const of = (pick: (spent: Spent) => number) => all.reduce((sum, spent) => sum + pick(spent), 0) / all.length;
  return {
    postgresCores: of((spent) => spent.postgresCores),
    poolerCores: of((spent) => spent.poolerCores),
    proxyCores: of((spent) => spent.proxyCores),
  };
}

/** The latencies of calls at the ends of windows, and of all others after the first seconds. */
function latencies(calls: readonly Called[], ends: readonly number[]): Figures {
  const from = Math.min(...calls.map(({ atMs }) => atMs)) + 12_000;
  const isIn = ({ atMs }: Called) => ends.some((end) => atMs >= end - storm.beforeMs && atMs < end + storm.afterMs);
  const sorted = (some: readonly Called[]) => some.map(({ tookMs }) => tookMs).toSorted((a, b) => a - b);
  const stormy = sorted(calls.filter(isIn));
  const calm = sorted(calls.filter((call) => call.atMs >= from && !isIn(call)));
  return {
    load_call_p50_ms: round(quantile(calm, 0.5)),
    load_call_p99_ms: round(quantile(calm, 0.99)),
    storm_call_p50_ms: round(quantile(stormy, 0.5)),
    storm_call_p99_ms: round(quantile(stormy, 0.99)),
    storm_call_longest_ms: round(stormy.at(-1) ?? Number.NaN),
  };
}

/** How often proxies have asked for leases so far. */
async function countLeases(database: Client): Promise<number> {
  const statements = await readStatements(database);
  return [...statements].reduce(
    (sum, [text, { calls }]) => sum + (text.includes('chaperone.lease_quota(') ? calls : 0),
    0,
  );
}

/** Waits for the records of all calls, ten seconds at most. */
async function countRecords(database: Client, expected: number): Promise<number> {
  const deadline = performance.now() + 10_000;
  for (;;) {
    const { rows } = await database.query<{ count: string }>('select count(*) as count from chaperone.requests');
    const count = Number(rows[0]?.count);
    if (count >= expected || performance.now() > deadline) return count;
    await delay(200);
  }
}
