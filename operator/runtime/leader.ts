import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { ApiClient } from '../cluster/kubernetes/api-client.ts';
import { ApiError, isConflict, isNotFound } from '../cluster/kubernetes/api-error.ts';
import { microTime } from '../cluster/kubernetes/event-recorder.ts';

export interface LeaderElectionOptions {
  readonly client: ApiClient;
  readonly namespace: string;
  /** The Lease's. */
  readonly name: string;
  /** This candidate's, which no other has, not even the process before it. */
  readonly identity: string;
  readonly timings?: LeaderTimings;
  readonly log: Logger;
}

export interface LeaderTimings {
  /** Others wait so long after the last renewal they saw before they take over. */
  readonly leaseMs: number;
  /** A leader that could not renew for so long steps down: well before anybody takes over. */
  readonly renewDeadlineMs: number;
  /** Between two renewals. */
  readonly retryMs: number;
  /** Between two looks of one that waits. */
  readonly lookMs: number;
}

/** client-go's, but for the looks: a release is seen within a second. */
export const defaultLeaderTimings: LeaderTimings = {
  leaseMs: 15_000,
  renewDeadlineMs: 10_000,
  retryMs: 2_000,
  lookMs: 1_000,
};

/** One candidacy. */
export interface Candidacy {
  /** Resolves when this candidate leads. */
  readonly elected: Promise<void>;
  /** Resolves when it leads no more, without having wanted to: whatever only a leader may do must end at once. */
  readonly lost: Promise<void>;
  isLeader(): boolean;
  /** Ends the candidacy; a leader gives the lease back, so that another can take over at once. */
  stop(): Promise<void>;
}

interface Lease {
  readonly apiVersion: 'coordination.k8s.io/v1';
  readonly kind: 'Lease';
  readonly metadata: { readonly name: string; readonly namespace: string; readonly resourceVersion?: string };
  readonly spec: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

/**
 * Stands for election by a Lease, as client-go does: who holds it renews it, and who finds it unchanged for the time it
 * is held for takes it. No clock but one's own is believed, and writes depend on the version that was read.
 */
export function standForElection(options: LeaderElectionOptions): Candidacy {
  const { identity, timings = defaultLeaderTimings, log } = options;
  const leases = makeLeases(options);
  const stopping = new AbortController();
  const elected = Promise.withResolvers<void>();
  const lost = Promise.withResolvers<void>();
  let held: Lease | undefined;
  let renewedAtMs = 0;

  /** Waits for the lease to be free, and takes it. */
  const campaign = async () => {
    let seen: { lease: Lease; atMs: number } | undefined;
    while (!held) {
      let leastMs = 10;
      try {
        const startedAtMs = performance.now();
        const lease = await leases.read();
        if (lease?.metadata.resourceVersion !== seen?.lease.metadata.resourceVersion) {
          seen = lease && { lease, atMs: startedAtMs };
        }
        const holder = lease?.spec.holderIdentity;
        const isFree = !lease || !holder || holder === identity;
        if (isFree || (seen && performance.now() - seen.atMs >= timings.leaseMs)) {
          held = await leases.take(lease);
          renewedAtMs = startedAtMs;
          continue;
        }
      } catch (error) {
        if (stopping.signal.aborted) return;
        if (!isConflict(error)) log.warn({ err: error }, 'cannot stand for election; trying again');
        if (error instanceof ApiError) leastMs = Math.max(leastMs, error.retryAfterMs ?? 0);
      }
      const expiresInMs = seen ? seen.atMs + timings.leaseMs - performance.now() : timings.lookMs;
      await pause(Math.max(leastMs, Math.min(timings.lookMs, expiresInMs)), stopping.signal);
      if (stopping.signal.aborted) return;
    }
  };
  /** Renews the lease; ends when that has not worked for too long, or when another has it. */
  const reign = async () => {
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
        const isMine = current?.spec.holderIdentity === identity;
        if (isMine) held = current;
        if ((current && !isMine) || performance.now() - renewedAtMs >= timings.renewDeadlineMs) held = undefined;
      }
    }
  };
  const run = async () => {
    await campaign();
    if (!held) return;
    log.info({ identity }, 'elected');
    elected.resolve();
    await reign();
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
      if (last) await leases.release(last).catch((error: unknown) => log.warn({ err: error }, 'the lease stays taken'));
    },
  };
}

function makeLeases({ client, namespace, name, identity, timings = defaultLeaderTimings }: LeaderElectionOptions) {
  const collection = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`;
  const path = `${collection}/${name}`;
  const leaseDurationSeconds = Math.max(1, Math.round(timings.leaseMs / 1_000));
  const replace = (lease: Lease, spec: Lease['spec'], signal = AbortSignal.timeout(timings.renewDeadlineMs)) =>
    client.send<Lease>({ method: 'PUT', path, body: { ...lease, spec }, signal });
  return {
    async read(): Promise<Lease | undefined> {
      try {
        return await client.send<Lease>({ method: 'GET', path, signal: AbortSignal.timeout(timings.renewDeadlineMs) });
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    take(lease: Lease | undefined): Promise<Lease> {
      const time = microTime(new Date());
      const spec = { holderIdentity: identity, leaseDurationSeconds, acquireTime: time, renewTime: time };
      if (lease) return replace(lease, { ...spec, leaseTransitions: (lease.spec.leaseTransitions ?? 0) + 1 });
      const first: Lease = {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name, namespace },
        spec: { ...spec, leaseTransitions: 0 },
      };
      return client.send<Lease>({ method: 'POST', path: collection, body: first });
    },
    renew: (lease: Lease, signal: AbortSignal) =>
      replace(lease, { ...lease.spec, renewTime: microTime(new Date()) }, signal),
    /** As client-go does: nobody holds it, and for the shortest time there is. */
    release: (lease: Lease) => replace(lease, { ...lease.spec, holderIdentity: '', leaseDurationSeconds: 1 }),
  };
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => {});
}

/** The candidacy of one who knows that there is nobody else. */
export function leadAlone(): Candidacy {
  return {
    elected: Promise.resolve(),
    lost: new Promise(() => {}),
    isLeader: () => true,
    stop: async () => {},
  };
}
