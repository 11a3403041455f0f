import type { QuotaDemand, QuotaGrant } from '../../database/quota.ts';
import { afterRunning } from '../running-time.ts';
import type { CountedSlices } from './counted.ts';
import type { DatabaseClock } from './database-clock.ts';
import type { Slice } from './slice.ts';

/** Asks the database for leases, for many slices in one statement. */
export interface Demands {
  /** Asks for a slice that a call waits for. */
  ask(slices: CountedSlices, slice: Slice): void;
  /** Asks for a slice with others that no call waits for. @param ends whether the lease ends */
  askSoon(slices: CountedSlices, slice: Slice, ends?: boolean): void;
  /** Whether the database has not answered a moment ago, so that it is not asked now. */
  isDown(nowTicks: number): boolean;
  /** How long before it is used up a lease is to be asked for anew. */
  leadMs(): number;
  /** Resolves when no demand is on its way. */
  idle(): Promise<void>;
  /** Sends what is to be asked for, as far as the database can be reached. */
  finish(): Promise<void>;
}

export interface DemandsOptions {
  /** @throws where the database cannot be reached */
  readonly lease: (demands: readonly QuotaDemand[]) => Promise<readonly QuotaGrant[]>;
  readonly clock: DatabaseClock;
  readonly onFailure?: (error: unknown) => void;
  /** Starts a timer that runs once. Absent: a real one. @returns a function that stops it */
  readonly after?: (ms: number, run: () => void) => () => void;
}

/** A slice that is to be asked for. */
interface Wanted {
  readonly slices: CountedSlices;
  readonly ends: boolean;
  readonly sinceTicks: number;
}

/**
 * How long calls wait for an answer of the database, while this process runs, and how long they do not ask again after a
 * failure.
 */
const answerMs = 1_000;
/** How long demands gather that no call waits for: leases that grow with the same load do so at about the same time. */
const gatherMs = 20;
/** More demands than these go into the next statement, so that none takes long. */
const maxDemands = 200;
/** A lease is asked for anew so many times earlier than the slowest of the last answers took, within these bounds. */
const lead = { times: 3, leastMs: 250, mostMs: 1_000 } as const;
/** How much of a slow answer counts when the next one has come. */
const slowCounts = 0.9;

export function makeDemands({ lease, clock, onFailure, after }: DemandsOptions): Demands {
  const afterGathering = after ?? startTimeout;
  const afterAnswer = after ?? afterRunning;
  const queue = new Map<Slice, Wanted>();
  let pumping: Promise<void> | undefined;
  let stopGathering: (() => void) | undefined;
  let downUntilTicks = Number.NEGATIVE_INFINITY;
  /** From a demand to its answer, the slowest of the last ones. */
  let slowestMs = 0;
  let leadMs: number = lead.leastMs;

  const add = (slices: CountedSlices, slice: Slice, ends: boolean) => {
    const known = queue.get(slice);
    if (known?.ends !== ends) queue.set(slice, { slices, ends, sinceTicks: known?.sinceTicks ?? clock.ticks() });
  };
  const askNow = () => {
    stopGathering?.();
    stopGathering = undefined;
    pumping ??= pump();
  };
  const pump = async () => {
    // Demands of this turn of the event loop go together.
    await Promise.resolve();
    while (queue.size > 0) await askSome();
    pumping = undefined;
  };
  /** @throws where it takes too long */
  const inTime = async <T>(result: Promise<T>): Promise<T> => {
    const tooLate = Promise.withResolvers<never>();
    const stop = afterAnswer(answerMs, () => tooLate.reject(new Error('The database does not answer in time')));
    try {
      return await Promise.race([result, tooLate.promise]);
    } finally {
      stop();
    }
  };
  const noteAnswer = (batch: readonly (readonly [Slice, Wanted])[], nowTicks: number) => {
    slowestMs *= slowCounts;
    for (const [, { sinceTicks }] of batch) slowestMs = Math.max(slowestMs, nowTicks - sinceTicks);
    leadMs = Math.min(lead.mostMs, Math.max(lead.leastMs, slowestMs * lead.times));
  };
  const askSome = async () => {
    const batch = [...queue].slice(0, maxDemands);
    for (const [slice] of batch) queue.delete(slice);
    const demands = batch.map(([slice, { slices, ends }]) => slice.demand(slices.amount(), ends));
    const sentTicks = clock.ticks();
    try {
      const grants = await inTime(lease(demands));
      const byLease = new Map(grants.map((grant) => [`${grant.counterId} ${grant.leaseId}`, grant]));
      if (grants[0]) clock.learn(grants[0].atMs);
      downUntilTicks = Number.NEGATIVE_INFINITY;
      const nowTicks = clock.ticks();
      noteAnswer(batch, nowTicks);
      for (const [slice, { slices }] of batch) {
        const grant = byLease.get(`${slice.counterId} ${slice.leaseId}`);
        const asked = grant ? slice.apply(grant, sentTicks, nowTicks) : slice.fail();
        for (const { onAnswer } of asked) onAnswer();
        // Calls that came while the demand was on its way.
        if (slice.hasWaiting()) add(slices, slice, false);
      }
    } catch (error) {
      downUntilTicks = clock.ticks() + answerMs;
      onFailure?.(error);
      for (const [slice] of batch) for (const { onAnswer } of [...slice.fail(), ...slice.takeWaiting()]) onAnswer();
    }
  };

  return {
    ask(slices, slice) {
      add(slices, slice, false);
      askNow();
    },
    askSoon(slices, slice, ends = false) {
      add(slices, slice, ends);
      if (!pumping) stopGathering ??= afterGathering(gatherMs, askNow);
    },
    isDown: (nowTicks) => nowTicks < downUntilTicks,
    leadMs: () => leadMs,
    idle() {
      if (stopGathering) askNow();
      return pumping ?? Promise.resolve();
    },
    async finish() {
      stopGathering?.();
      stopGathering = undefined;
      if (clock.ticks() >= downUntilTicks) await (pumping ?? pump());
    },
  };
}

function startTimeout(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms).unref();
  return () => clearTimeout(timer);
}
