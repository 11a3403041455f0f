import type { Claim, Claimant, Shortfall } from './claim.ts';
import { type Counted, CountedSlices } from './counted.ts';
import type { DatabaseClock, Moment } from './database-clock.ts';
import { type DemandsOptions, makeDemands } from './demands.ts';
import { makeLeaseId } from './slice.ts';

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

export interface QuotaOptions extends DemandsOptions {
  /** @returns a function that tells whether the database has all records that have been written until now */
  readonly whenStored?: () => () => boolean;
  /** Called where a call has to wait for the database. */
  readonly onWait?: () => void;
  /** Starts a timer. @returns a function that stops it */
  readonly every?: (ms: number, run: () => void) => () => void;
}

/** Others may take what was leased for a call that waited, so it asks again, up to this often. */
const maxAttempts = 30;

export function makeQuota(options: QuotaOptions): Quota {
  const { clock } = options;
  const every = options.every ?? startTimer;
  const byKey = new Map<string, CountedSlices>();
  const demands = makeDemands(options);
  /** What pending calls have reserved, until the database has them. */
  let handedOver: { readonly claims: readonly Claim[]; readonly isStored: () => boolean }[] = [];
  let stopTimer: (() => void) | undefined;

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
      for (const slice of slices.adjust(now)) demands.askSoon(slices, slice);
      slices.tick(now, {
        onAsk: (slice) => demands.askSoon(slices, slice),
        onEnd: (slice) => demands.askSoon(slices, slice, true),
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
        else if (!slice.isAsking() && !demands.isDown(nowTicks)) {
          slice.wait({ amount, smallest: amount, onAnswer: () => {} });
          demands.askSoon(claim.slices, slice);
        }
      } else if (slice.isExhausted(smallest, nowTicks) || (number > 0 && isLess(claim, nowTicks))) {
        shortfalls.push({ claim, reason: 'exhausted' });
      } else if (demands.isDown(nowTicks)) {
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
      if (slice.isLow(nowTicks, demands.leadMs()) && !demands.isDown(nowTicks)) demands.askSoon(slices, slice);
    }
  };

  /** Resolves when the database has answered for all of these. */
  const answered = async (claims: readonly Claim[]) => {
    await Promise.all(
      claims.map(
        ({ slices, slice, amount, smallest }) =>
          new Promise<void>((onAnswer) => {
            slice.wait({ amount, smallest, onAnswer });
            if (!slice.isAsking()) demands.ask(slices, slice);
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
        for (const slice of slices.replace(one, now)) demands.askSoon(slices, slice);
        former.delete(key);
        byKey.set(key, slices);
      }
      for (const slices of former.values())
        for (const slice of slices.end(clock.ticks())) demands.askSoon(slices, slice, true);
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
    idle: () => demands.idle(),
    tick,
    async stop() {
      stopTimer?.();
      handOverStored(clock.ticks());
      for (const slices of byKey.values())
        for (const slice of slices.end(clock.ticks())) demands.askSoon(slices, slice, true);
      byKey.clear();
      await demands.finish();
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
