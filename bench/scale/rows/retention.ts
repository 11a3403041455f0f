import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';
import { parseDocument } from 'yaml';
import { removePastRecords } from '../../../database/retention.ts';
import type { Installation } from '../../analytics/installation.ts';
import type { Figures } from '../../benchmark.ts';
import { round } from '../../benchmark.ts';
import { untilTrue } from '../../cluster/wait.ts';
import type { PartContext } from '../part.ts';
import { watchLocks } from './locks.ts';
import { longestOf, startTraffic, type Traffic } from './traffic.ts';

const usualMs = 10_000;
/** How long the removal of single rows is watched after the partitions. */
const restMs = 10_000;
const dayMs = 86_400_000;

/**
 * Lets the database forget the oldest month, by what a worker does once an hour, while records are written and read.
 *
 * @param file of the Organization
 */
export async function measureRetention(
  installation: Installation,
  file: string,
  { note, onEnd }: PartContext,
): Promise<Figures> {
  const owner = new Client({ connectionString: installation.databaseUrl });
  await owner.connect();
  onEnd(() => owner.end());
  const before = await measureSize(owner);
  const days = Math.floor((Date.now() - (await endOfOldestMonth(owner))) / dayMs);
  await stateRetention(file, `${days * 24}h`);
  await untilTrue(async () => (await isRetained(owner)) === true, 'the retention to be in force');

  const traffic = await startTraffic(installation);
  const locks = await watchLocks(installation.databaseUrl);
  await delay(usualMs);
  const startedAtMs = performance.now();
  const stop = new AbortController();
  const dropped: string[] = [];
  let droppedAtMs = startedAtMs;
  const removing = removePastRecords(owner, {
    signal: stop.signal,
    onDropped(partition) {
      dropped.push(partition);
      droppedAtMs = performance.now();
    },
    onFailure: (what, error) => note(`cannot remove ${what}: ${String(error)}`),
  });
  await Promise.race([untilTrue(() => dropped.some(isOfRequests), 'a partition of requests to be dropped'), removing]);
  await delay(restMs);
  stop.abort();
  await removing;
  await traffic.stop();
  const waited = await locks.stop();
  if (!dropped.some(isOfRequests)) throw new Error('No partition of requests was dropped');
  return {
    retention_dropped_partitions: dropped.length,
    retention_drop_s: round((droppedAtMs - startedAtMs) / 1_000),
    retention_freed_gb: round((before - (await measureSize(owner))) / 1e9),
    ...waits(traffic, startedAtMs),
    retention_lock_waits: waited.length,
    retention_lock_longest_ms: round(Math.max(0, ...waited)),
  };
}

function waits({ writes, reads, lookUps }: Traffic, startedAtMs: number): Figures {
  const kinds = { write: writes, analytics: reads, session: lookUps };
  const all = Object.entries(kinds).map(([name, times]) => {
    const usual = longestOf(times, ({ atMs }) => atMs < startedAtMs);
    const during = longestOf(times, ({ atMs, tookMs }) => atMs + tookMs >= startedAtMs);
    return { name, usual, during };
  });
  return {
    ...Object.fromEntries(
      all.flatMap(({ name, usual, during }) => [
        [`retention_${name}_usual_longest_ms`, round(usual)],
        [`retention_${name}_longest_ms`, round(during)],
      ]),
    ),
    retention_longest_wait_ms: round(Math.max(...all.map(({ during }) => during))),
  };
}

const isOfRequests = (partition: string) => /^requests_/.test(partition);

async function endOfOldestMonth(owner: Client): Promise<number> {
  const { rows } = await owner.query<{ at: Date }>(
    `select date_trunc('month', min(started_at), 'UTC') + interval '1 month' as at from chaperone.requests`,
  );
  const [oldest] = rows;
  if (!oldest) throw new Error('There are no rows');
  return oldest.at.getTime();
}

async function stateRetention(file: string, retention: string): Promise<void> {
  const document = parseDocument(await readFile(file, 'utf8'));
  document.setIn(['spec', 'storage', 'retention'], retention);
  await writeFile(file, document.toString());
}

async function isRetained(owner: Client): Promise<boolean | undefined> {
  const { rows } = await owner.query<{ is: boolean }>(
    'select exists (select from chaperone.retained_organizations()) as is',
  );
  return rows[0]?.is;
}

async function measureSize(owner: Client): Promise<number> {
  const { rows } = await owner.query<{ bytes: string }>('select pg_database_size(current_database()) as bytes');
  return Number(rows[0]?.bytes);
}
