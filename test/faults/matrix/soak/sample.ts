import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readResidentBytes } from '../../../../bench/resident-memory.ts';
import { type Installation, metricOf } from '../installation.ts';

/** The state of an installation at one time. */
export interface Sample {
  readonly atS: number;
  /** Of the proxy's process, in 10⁶ bytes. */
  readonly memoryMb: number;
  /** The 99th percentile since the last sample. */
  readonly eventLoopP99Ms: number;
  readonly descriptors: number;
  readonly spoolFiles: number;
  readonly spoolMb: number;
  /** Of PostgreSQL: rows that are dead, of all that its tables hold. */
  readonly deadRatio: number;
  /** Of the tables whose rows change again and again: leases, counters and pending calls. */
  readonly changedTablesMb: number;
}

export async function takeSample(installation: Installation, atS: number): Promise<Sample> {
  const { proxy } = installation.stack;
  const text = await (await fetch(`http://127.0.0.1:${proxy.metricsPort}/metrics`)).text();
  const files = (await readdir(installation.dataDirectory)).filter((name) => name.endsWith('.spool'));
  const sizes = await Promise.all(
    files.map((name) =>
      stat(join(installation.dataDirectory, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  const [tables] = await installation.query<{ dead: number; live: number; changed: string }>(
    `select sum(n_dead_tup)::float as dead, sum(n_live_tup)::float as live,
       sum(pg_total_relation_size(relid)) filter (where relname in ('quota_leases', 'quota_counters', 'pending_calls')) as changed
     from pg_stat_user_tables where schemaname = 'chaperone'`,
  );
  const { dead = 0, live = 0, changed = '0' } = tables ?? {};
  return {
    atS,
    memoryMb: (await readResidentBytes(proxy.pid())) / 1e6,
    eventLoopP99Ms: metricOf(text, 'nodejs_eventloop_lag_p99_seconds') * 1_000,
    descriptors: metricOf(text, 'process_open_fds'),
    spoolFiles: files.length,
    spoolMb: sizes.reduce((sum, size) => sum + size, 0) / 1e6,
    deadRatio: dead / Math.max(1, dead + live),
    changedTablesMb: Number(changed) / 1e6,
  };
}

/** The slope of a line through the values, by least squares, for an hour. */
export function slopePerHour(samples: readonly Sample[], value: (sample: Sample) => number): number {
  const mean = (of: (sample: Sample) => number) => samples.reduce((sum, each) => sum + of(each), 0) / samples.length;
  const [meanS, meanValue] = [mean(({ atS }) => atS), mean(value)];
  const covariance = mean((sample) => (sample.atS - meanS) * (value(sample) - meanValue));
  const variance = mean(({ atS }) => (atS - meanS) ** 2);
  return variance === 0 ? 0 : (covariance / variance) * 3_600;
}
