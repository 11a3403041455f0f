import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { LeaseRecord, LeaseStore, StoredLease } from './lease.ts';
import { isConflict, retryAfterOf } from './refusal.ts';

export interface LeaderElectionOptions {
  readonly leases: LeaseStore;
  /** Unique for this process: no other candidate and no earlier process has it. */
  readonly identity: string;
  readonly timings?: LeaderTimings;
  readonly log: Logger;
}

export interface LeaderTimings {
  /** How long others wait after the last renewal that they saw before they take over. */
  readonly leaseMs: number;
  /** After how long without a renewal a leader steps down. Well below `leaseMs`. */
  readonly renewDeadlineMs: number;
  /** Pause between two renewals. */
  readonly retryMs: number;
  /** Pause between two reads of the Lease by a candidate that waits. */
  readonly pollMs: number;
}

/** As in client-go, except that a waiting candidate sees a release within a second. */
export const defaultLeaderTimings: LeaderTimings = {
  leaseMs: 15_000,
  renewDeadlineMs: 10_000,
  retryMs: 2_000,
  pollMs: 1_000,
};

/** A candidate's part in the election. */
export interface Candidacy {
  /** Resolves when this candidate leads. */
  readonly elected: Promise<void>;
  /**
   * Resolves when the candidate has lost the lease against its will. Everything that only a leader may do must stop at
   * once.
   */
  readonly lost: Promise<void>;
  isLeader(): boolean;
  /** Ends the candidacy. A leader releases the lease, so that another candidate can take over at once. */
  stop(): Promise<void>;
}

/**
 * Stands for election by a lease, as client-go does. The holder renews it. A candidate takes it when it has not changed
 * for its duration. Only the local clock counts, and each write depends on the version that was read.
 */
export function standForElection(options: LeaderElectionOptions): Candidacy {
  const { identity, timings = defaultLeaderTimings, log } = options;
  const leases = withDeadlines(options);
  const stopping = new AbortController();
  const elected = Promise.withResolvers<void>();
  const lost = Promise.withResolvers<void>();
  let held: StoredLease | undefined;
  let renewedAtMs = 0;

  /** Waits until the lease is free, and takes it. */
  const acquire = async () => {
    let seen: { lease: StoredLease; atMs: number } | undefined;
    while (!held) {
      let minMs = 10;
      try {
        const startedAtMs = performance.now();
        const lease = await leases.read();
        if (lease?.version !== seen?.lease.version) {
          seen = lease && { lease, atMs: startedAtMs };
        }
        const holder = lease?.record.holder;
        const isFree = !lease || !holder || holder === identity;
        if (isFree || (seen && performance.now() - seen.atMs >= timings.leaseMs)) {
          held = await leases.take(lease);
          renewedAtMs = startedAtMs;
          continue;
        }
      } catch (error) {
        if (stopping.signal.aborted) return;
        if (!isConflict(error)) log.warn({ err: error }, 'cannot stand for election; trying again');
        minMs = Math.max(minMs, retryAfterOf(error) ?? 0);
      }
      const expiresInMs = seen ? seen.atMs + timings.leaseMs - performance.now() : timings.pollMs;
      await pause(Math.max(minMs, Math.min(timings.pollMs, expiresInMs)), stopping.signal);
      if (stopping.signal.aborted) return;
    }
  };
  /** Renews the lease. Returns when renewing has failed for too long, or when another candidate has the lease. */
  const renewUntilLost = async () => {
    while (held && !stopping.signal.aborted) {
      await pause(timings.retryMs, stopping.signal);
      if (stopping.signal.aborted) return;
      const startedAtMs = performance.now();
      const remainingMs = renewedAtMs + timings.renewDeadlineMs - startedAtMs;
      try {
        held = await leases.renew(held, AbortSignal.timeout(Math.max(1, Math.ceil(remainingMs))));
        renewedAtMs = startedAtMs;
      } catch (error) {
        log.warn({ err: error }, 'cannot renew the lease');
        const current = isConflict(error) ? await leases.read().catch(() => undefined) : undefined;
        const isMine = current?.record.holder === identity;
        if (isMine) held = current;
        if ((current && !isMine) || performance.now() - renewedAtMs >= timings.renewDeadlineMs) held = undefined;
      }
    }
  };
  const run = async () => {
    await acquire();
    if (!held) return;
    log.info({ identity }, 'elected');
    elected.resolve();
    await renewUntilLost();
    if (stopping.signal.aborted) return;
    log.error({ identity }, 'lost the lease');
    lost.resolve();
  };
  const running = run();

  return {
    elected: elected.promise,
    lost: lost.promise,
    isLeader: () => held !== undefined,
    async stop() {
      stopping.abort();
      await running;
      const last = held;
      held = undefined;
      if (last)
        await leases.release(last).catch((error: unknown) => log.warn({ err: error }, 'cannot release the lease'));
    },
  };
}

/** The lease's reads and writes, each within the time in which it is of use. */
function withDeadlines({ leases, identity, timings = defaultLeaderTimings }: LeaderElectionOptions) {
  const durationS = Math.max(1, Math.round(timings.leaseMs / 1_000));
  const deadline = () => AbortSignal.timeout(timings.renewDeadlineMs);
  return {
    read: () => leases.read(deadline()),
    take(lease: StoredLease | undefined): Promise<StoredLease> {
      const now = new Date();
      const record: LeaseRecord = { holder: identity, durationS, acquiredAt: now, renewedAt: now };
      if (!lease) return leases.create({ ...record, transitions: 0 }, deadline());
      return lease.replace({ ...record, transitions: (lease.record.transitions ?? 0) + 1 }, deadline());
    },
    renew: (lease: StoredLease, signal: AbortSignal) =>
      lease.replace({ ...lease.record, renewedAt: new Date() }, signal),
    /** As client-go does: an empty holder, and the shortest duration. */
    release: (lease: StoredLease) => lease.replace({ ...lease.record, holder: '', durationS: 1 }, deadline()),
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
}

/** A candidacy without competitors, which leads at once. */
export function leadAlone(): Candidacy {
  return {
    elected: Promise.resolve(),
    lost: new Promise(() => {}),
    isLeader: () => true,
    stop: async () => {},
  };
}
