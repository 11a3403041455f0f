import type { Metrics } from './calls/settle/metrics.ts';
import type { InFlight } from './in-flight.ts';
import type { OpenOrganization } from './organization.ts';

/** Sets the gauges of what a process holds, before a scrape. A worker may hold several organizations, or none. */
export function refreshGauges(metrics: Metrics, held: readonly OpenOrganization[], inFlight: InFlight): void {
  const nowMs = Date.now();
  const sum = (of: (one: OpenOrganization) => number) => held.reduce((total, one) => total + of(one), 0);
  const longestS = (sinceMs: (one: OpenOrganization) => number | undefined) =>
    Math.max(0, ...held.map((one) => (nowMs - (sinceMs(one) ?? nowMs)) / 1_000));
  metrics.inFlightBytes.set(inFlight.heldBytes());
  metrics.cacheBytes.set(sum(({ cache }) => cache.bytes()));
  metrics.spoolDepth.set(sum(({ spool }) => spool.depth));
  metrics.auditWaiting.set(sum(({ spool }) => spool.auditDepth));
  metrics.spoolAge.set(longestS(({ spool }) => spool.oldestAtMs()));
  metrics.snapshotAge.set(longestS(({ configuration }) => configuration.follower.confirmedAtMs()));
}
