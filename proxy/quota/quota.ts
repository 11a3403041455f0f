import type { QuotaDemand, QuotaGrant } from '../../database/quota.ts';
import type { Claim, Claimant, Shortfall } from './claim.ts';
import { type Counted, CountedSlices } from './counted.ts';
import type { DatabaseClock, Moment } from './database-clock.ts';
import { makeLeaseId, type Slice } from './slice.ts';

/** Leases what calls may use from PostgreSQL, ahead of need. */
export interface Quota {
  /**
   * Puts the rules of a configuration in force. Leases of what is counted on are kept, and all others are given back.
   *
   * @returns a function that finds the slices of what is counted
   */
  use(counted: readonly Counted[]): (counted: Counted) => CountedSlices;
  claim<By extends Claimant>(by: By, slices: CountedSlices, scope: string, amount: number, now: Moment): Claim<By>;
  /**
   * Takes the amounts of all claims, or of none. It waits for the database only where too little is leased.
   *
   * @param now when the claims were made
   * @returns what is short; undefined: all is taken
   */
  take(claims: readonly Claim[], now: Moment): Shortfall[] | undefined | Promise<Shortfall[] | undefined>;
  /** Takes the amounts of all claims that are enforced, where all of it is free here. Nothing waits. */
  takeFree(claims: readonly Claim[]): boolean;
  /** How much of a counter is leased here and not taken. */
  free(counterId: number): number;
  /** Resolves when no demand is on its way: then the database knows what is leased here. */
  idle(): Promise<void>;
  /**
   * The provider works on after the call's answer. What it has reserved stays in this proxy's leases until the database has
   * the pending call, which reserves it from then on. So it outlives both the leases and the proxy.
   */
  handOver(claims: readonly Claim[]): void;
  /** The lease of what pending calls of this proxy have used in the end. Nothing is ever leased by it. */
  readonly pendingLeaseId: number;
  readonly clock: DatabaseClock;
  /** Renews leases, and gives back those that are not used. The timer calls it once a second. */
  tick(): void;
  /** Gives all leases back, as far as the database can be reached. */
  stop(): Promise<void>;
}

export interface QuotaOptions {
  /** @throws where the database cannot be reached */
  readonly lease: (demands: readonly QuotaDemand[]) => Promise<readonly QuotaGrant[]>;
  readonly clock: DatabaseClock;
  /** @returns a function that tells whether the database has all records that have been written until now */
  readonly whenStored?: () => () => boolean;
  /** Called where a call has to wait for the database. */
  readonly onWait?: () => void;
  readonly onFailure?: (error: unknown) => void;
  /** Starts a timer. @returns a function that stops it */
  readonly every?: (ms: number, run: () => void) => () => void;
}

/** How long calls wait for an answer of the database, and how long they do not ask again after a failure. */
const answerMs = 1_000;
/** How long demands gather that no call waits for: leases that grow with the same load do so at about the same time. */
const gatherMs = 20;
/** More demands than these go into the next statement, so that none takes long. */
const maxDemands = 200;
/** Others may take what was leased for a call that waited, so it asks again, up to this often. */
const maxAttempts = 30;

export function makeQuota(options: QuotaOptions): Quota {
  const { clock } = options;
  const every = options.every ?? startTimer;
  const byKey = new Map<string, CountedSlices>();
  /** Slices to ask for, and whether they end. */
  const queue = new Map<Slice, { readonly slices: CountedSlices; readonly ends: boolean }>();
  /** What pending calls have reserved, until the database has them. */
  let handedOver: { readonly claims: readonly Claim[]; readonly isStored: () => boolean }[] = [];
  let pumping: Promise<void> | undefined;
  let gathering: NodeJS.Timeout | undefined;
  let downUntilTicks = Number.NEGATIVE_INFINITY;
  let stopTimer: (() => void) | undefined;

  /** Asks for a slice with others that no call waits for. */
  const askSoon = (slices: CountedSlices, slice: Slice, ends = false) => {
    if (queue.get(slice)?.ends !== ends) queue.set(slice, { slices, ends });
    if (!pumping) gathering ??= setTimeout(askNow, gatherMs).unref();
  };

  /** Asks for a slice that a call waits for. */
  const ask = (slices: CountedSlices, slice: Slice) => {
    queue.set(slice, { slices, ends: false });
    askNow();
  };

  const askNow = () => {
    clearTimeout(gathering);
    gathering = undefined;
    pumping ??= pump();
  };

  const pump = async () => {
    // Demands of this turn of the event loop go together.
    await Promise.resolve();
    while (queue.size > 0) await askSome();
    pumping = undefined;
  };

  const askSome = async () => {
    const batch = [...queue].slice(0, maxDemands);
    for (const [slice] of batch) queue.delete(slice);
    const demands = batch.map(([slice, { slices, ends }]) => slice.demand(slices.amount(), ends));
    const sentTicks = clock.ticks();
    try {
      const grants = await within(answerMs, options.lease(demands));
      const byLease = new Map(grants.map((grant) => [`${grant.counterId} ${grant.leaseId}`, grant]));
      if (grants[0]) clock.learn(grants[0].atMs);
      downUntilTicks = Number.NEGATIVE_INFINITY;
      for (const [slice, { slices }] of batch) {
        const grant = byLease.get(`${slice.counterId} ${slice.leaseId}`);
        const asked = grant ? slice.apply(grant, sentTicks, clock.ticks()) : slice.fail();
        for (const { onAnswer } of asked) onAnswer();
        // Calls that came while the demand was on its way.
        if (slice.hasWaiting()) queue.set(slice, { slices, ends: false });
      }
    } catch (error) {
      downUntilTicks = clock.ticks() + answerMs;
      options.onFailure?.(error);
      for (const [slice] of batch) for (const { onAnswer } of [...slice.fail(), ...slice.takeWaiting()]) onAnswer();
    }
  };

  const handOverStored = (nowTicks: number) => {
    const isAsking = (claims: readonly Claim[]) => claims.some(({ slice }) => slice.isAsking());
    const stored = handedOver.filter(({ claims, isStored }) => !isAsking(claims) && isStored());
    if (stored.length === 0) return;
    handedOver = handedOver.filter((each) => !stored.includes(each));
    for (const { claims } of stored) for (const { slice, amount } of claims) slice.handOver(amount, nowTicks);
  };

  const tick = () => {
    const now = clock.now();
    handOverStored(now.ticks);
    let isEmpty = true;
    for (const slices of byKey.values()) {
      for (const slice of slices.adjust(now)) askSoon(slices, slice);
      slices.tick(now, {
        onAsk: (slice) => askSoon(slices, slice),
        onEnd: (slice) => askSoon(slices, slice, true),
      });
      isEmpty &&= slices.isEmpty();
    }
    if (!isEmpty) return;
    stopTimer?.();
    stopTimer = undefined;
  };

  /** The claims that are not met, and whether asking might help. */
  const judge = (claims: readonly Claim[], nowTicks: number, number: number) => {
    const shortfalls: Shortfall[] = [];
    const askable: Claim[] = [];
    for (const claim of claims) {
      const { slice, amount, smallest } = claim;
      if (slice.free(nowTicks) >= amount) continue;
      if (!claim.by.enforces) {
        if (slice.isExhausted(amount, nowTicks)) shortfalls.push({ claim, reason: 'exhausted' });
        else if (!slice.isAsking() && nowTicks >= downUntilTicks) {
          slice.wait({ amount, smallest: amount, onAnswer: () => {} });
          askSoon(claim.slices, slice);
        }
      } else if (slice.isExhausted(smallest, nowTicks) || (number > 0 && isLess(claim, nowTicks))) {
        shortfalls.push({ claim, reason: 'exhausted' });
      } else if (nowTicks < downUntilTicks) {
        if (!claim.by.allowsUnavailable) shortfalls.push({ claim, reason: 'unavailable' });
      } else askable.push(claim);
    }
    return { shortfalls, askable };
  };

  const attempt = (
    claims: readonly Claim[],
    number: number,
    now: Moment,
  ): Shortfall[] | undefined | Promise<Shortfall[] | undefined> => {
    if (isAllFree(claims, now.ticks)) {
      takeAll(claims, now.ticks);
      return undefined;
    }
    const { shortfalls, askable } = judge(claims, now.ticks, number);
    const isRefused = shortfalls.some(({ claim }) => claim.by.enforces);
    if (!isRefused && askable.length > 0) {
      if (number === 0) options.onWait?.();
      if (number < maxAttempts) return answered(askable).then(() => again(claims, number + 1));
      for (const claim of askable) shortfalls.push({ claim, reason: 'exhausted' });
    }
    if (shortfalls.some(({ claim }) => claim.by.enforces)) return shortfalls;
    takeAll(claims, now.ticks);
    return shortfalls.length > 0 ? shortfalls : undefined;
  };

  const again = (claims: readonly Claim[], number: number) => {
    const now = clock.now();
    for (const claim of claims) claim.slice = claim.slices.slice(claim.scope, now);
    return attempt(claims, number, now);
  };

  const takeAll = (claims: readonly Claim[], nowTicks: number) => {
    for (const { slices, slice, amount } of claims) {
      slice.take(amount, nowTicks);
      if (slice.isLow(nowTicks) && nowTicks >= downUntilTicks) askSoon(slices, slice);
    }
  };

  /** Resolves when the database has answered for all of these. */
  const answered = async (claims: readonly Claim[]) => {
    await Promise.all(
      claims.map(
        ({ slices, slice, amount, smallest }) =>
          new Promise<void>((onAnswer) => {
            slice.wait({ amount, smallest, onAnswer });
            if (!slice.isAsking()) ask(slices, slice);
          }),
      ),
    );
  };

  return {
    clock,
    use(counted) {
      const former = new Map(byKey);
      byKey.clear();
      for (const one of counted) {
        const key = keyOf(one);
        const now = clock.now();
        const slices = former.get(key) ?? byKey.get(key) ?? new CountedSlices(one, now.ms);
        for (const slice of slices.replace(one, now)) askSoon(slices, slice);
        former.delete(key);
        byKey.set(key, slices);
      }
      for (const slices of former.values()) for (const slice of slices.end(clock.ticks())) askSoon(slices, slice, true);
      return (one) => {
        const slices = byKey.get(keyOf(one));
        if (!slices) throw new RangeError(`${one.rule} is not in force`);
        return slices;
      };
    },
    claim(by, slices, scope, amount, now) {
      stopTimer ??= every(1_000, tick);
      return { by, slices, scope, slice: slices.slice(scope, now), amount, smallest: amount };
    },
    handOver(claims) {
      const isStored = options.whenStored?.();
      if (isStored) handedOver.push({ claims, isStored });
    },
    pendingLeaseId: makeLeaseId(),
    take: (claims, now) => attempt(claims, 0, now),
    takeFree(claims) {
      const nowTicks = clock.ticks();
      if (claims.some(({ by, slice, amount }) => by.enforces && slice.free(nowTicks) < amount)) return false;
      takeAll(claims, nowTicks);
      return true;
    },
    free(counterId) {
      let sum = 0;
      for (const slices of byKey.values()) sum += slices.free(counterId, clock.ticks());
      return sum;
    },
    idle() {
      if (gathering) askNow();
      return pumping ?? Promise.resolve();
    },
    tick,
    async stop() {
      stopTimer?.();
      clearTimeout(gathering);
      handOverStored(clock.ticks());
      for (const slices of byKey.values())
        for (const slice of slices.end(clock.ticks())) queue.set(slice, { slices, ends: true });
      byKey.clear();
      if (clock.ticks() >= downUntilTicks) await (pumping ?? pump());
    },
  };
}

const keyOf = ({ rule, unit, per, window }: Counted) => JSON.stringify([rule, unit, per, window]);

function isAllFree(claims: readonly Claim[], nowTicks: number): boolean {
  for (const { slice, amount } of claims) if (slice.free(nowTicks) < amount) return false;
  return true;
}

/** Whether only the smaller amount of a claim is there. All that was left has been asked for. */
function isLess({ slice, amount, smallest }: Claim, nowTicks: number): boolean {
  return smallest < amount && slice.free(nowTicks) >= smallest && slice.remaining() < amount;
}

function startTimer(ms: number, run: () => void): () => void {
  const timer = setInterval(run, ms);
  timer.unref();
  return () => clearInterval(timer);
}

/** @throws where it takes longer */
async function within<T>(ms: number, result: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('The database does not answer in time')), ms);
    timer.unref();
  });
  try {
    return await Promise.race([result, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}
