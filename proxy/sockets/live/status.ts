import type { QueueDepth } from '../../../database/reviews/items.ts';
import type { Metrics } from '../../calls/settle/metrics.ts';
import type { Follower } from '../../snapshot/follow.ts';

/** What a process knows of itself. */
export interface StatusFacts {
  readonly organizationName: string;
  readonly spool: { readonly depth: number; oldestAtMs(): number | undefined };
  readonly metrics: Pick<Metrics, 'calls' | 'operationDuration'>;
}

export interface StatusOptions extends StatusFacts {
  readonly follower: Pick<Follower, 'confirmedAtMs'>;
  readonly readDepth: () => Promise<QueueDepth>;
  /** How many watch at this proxy. */
  readonly watching: () => number;
}

/** The state of the service, as `system_status` tells it. */
export interface SystemStatus {
  readonly status: 'ok' | 'degraded';
  readonly organization: string;
  readonly database: 'ok' | 'away';
  readonly configuration_age_seconds: number | null;
  readonly records_waiting: number;
  readonly oldest_record_seconds: number;
  readonly calls_per_minute: number;
  /** From 0 to 1. Null without calls. */
  readonly failed_share: number | null;
  readonly average_response_seconds: number | null;
  readonly queue: ReturnType<typeof showDepth> | null;
  readonly watching: number;
  readonly uptime_seconds: number;
}

/** Those who come at once get one status, so that a thousand of them ask once. */
const freshMs = 1_000;
/** Proxies confirm every two seconds that their configuration is the newest. */
const lateMs = 10_000;
/** Rates are of about the last quarter of a minute. */
const spanMs = 14_000;

interface Sample {
  readonly atMs: number;
  readonly calls: number;
  readonly failed: number;
  readonly seconds: number;
}

/** Makes the function that says how the service is. It never rejects. */
export function makeStatus(options: StatusOptions): () => Promise<SystemStatus> {
  let samples: readonly Sample[] = [{ atMs: Date.now(), calls: 0, failed: 0, seconds: 0 }];
  let fresh: Promise<SystemStatus> | undefined;
  let freshAtMs = 0;
  const sampleNow = async (): Promise<readonly [Sample, Sample]> => {
    const now = await takeSample(options.metrics);
    const former = samples.findLast(({ atMs }) => now.atMs - atMs >= spanMs) ?? samples[0] ?? now;
    samples = [former, ...samples.filter(({ atMs }) => atMs > former.atMs), now].slice(-60);
    return [former, now];
  };
  const read = async (): Promise<SystemStatus> => {
    const [[former, now], depth] = await Promise.all([sampleNow(), options.readDepth().catch(() => undefined)]);
    return describe(options, former, now, depth);
  };
  return () => {
    if (fresh && Date.now() - freshAtMs < freshMs) return fresh;
    freshAtMs = Date.now();
    fresh = read();
    return fresh;
  };
}

function describe(
  { organizationName: organization, spool, follower, watching }: StatusOptions,
  former: Sample,
  now: Sample,
  depth: QueueDepth | undefined,
): SystemStatus {
  const { atMs } = now;
  const confirmedAtMs = follower.confirmedAtMs();
  const ageMs = atMs - confirmedAtMs;
  const isAway = depth === undefined || ageMs > lateMs;
  const calls = now.calls - former.calls;
  return {
    status: isAway ? 'degraded' : 'ok',
    organization,
    database: isAway ? 'away' : 'ok',
    configuration_age_seconds: confirmedAtMs === 0 ? null : round(ageMs / 1_000),
    records_waiting: spool.depth,
    oldest_record_seconds: round((atMs - (spool.oldestAtMs() ?? atMs)) / 1_000),
    calls_per_minute: round((calls * 60_000) / Math.max(1_000, atMs - former.atMs)),
    failed_share: calls === 0 ? null : round((now.failed - former.failed) / calls),
    average_response_seconds: calls === 0 ? null : round((now.seconds - former.seconds) / calls),
    queue: depth ? showDepth(depth) : null,
    watching: watching(),
    uptime_seconds: Math.round(process.uptime()),
  };
}

async function takeSample({ calls, operationDuration }: StatusFacts['metrics']): Promise<Sample> {
  const [counted, durations] = await Promise.all([calls.get(), operationDuration.get()]);
  const sum = (values: readonly { readonly value: number }[]) => values.reduce((total, { value }) => total + value, 0);
  return {
    atMs: Date.now(),
    calls: sum(counted.values),
    failed: sum(counted.values.filter(({ labels }) => labels.status !== 'completed' && labels.status !== 'cancelled')),
    seconds: sum(durations.values.filter(({ metricName }) => metricName?.endsWith('_sum'))),
  };
}

/** What waits for reviewers. */
export function showDepth({ queued, inReview, oldestAt }: QueueDepth) {
  return { queued, in_review: inReview, oldest_at: oldestAt?.toISOString() ?? null };
}

function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
