import { randomBytes } from 'node:crypto';
import {
  countPrefix,
  type QuotaCounter,
  type QuotaDemand,
  type QuotaGrant,
  quotaCounterId,
} from '../../database/quota.ts';

/** How often a proxy asks what it may keep of its places: others may lack one. */
const placesMs = { scarce: 900, plenty: 5_000 };
/** How long a lease lasts, by the database's clock. The lease of a killed proxy is free after this time. */
const leaseMs = 30_000;
/** A proxy stops using a lease this much earlier, by its own monotonic clock, from before it asked. */
const localLeaseMs = 27_000;
/** How long a call is refused without asking again, where nothing was left. Places for concurrent calls come back soon. */
const exhaustedMs = { concurrent: 100, other: 500 };
/** How soon more is asked for ahead of need, where the last answer was less than that. */
const scarceMs = 20;
/** For how many calls of the present size a new lease is, beyond those that wait. */
const firstCalls = 8;
/** For how long a lease is to last at the present rate of calls. */
const horizonMs = 2_000;

/** Never the same twice: 48 bits by chance. */
export function makeLeaseId(): number {
  return randomBytes(6).readUIntBE(0, 6);
}

/** A call that waits for a larger lease. */
export interface Waiter {
  readonly amount: number;
  /** A smaller amount that would do. */
  readonly smallest: number;
  readonly onAnswer: () => void;
}

/**
 * A lease: what this proxy may use of one counter. All amounts are whole numbers of the counter's unit and count from
 * the start of the lease. What is free is what was granted and not taken.
 */
export class Slice {
  readonly counter: QuotaCounter;
  readonly counterId: number;
  /** Never used again, so a lease that was given back is not confused with a later one. */
  readonly leaseId = makeLeaseId();
  /** How records name the lease: an amount follows. */
  readonly countPrefix: string;
  readonly #isConcurrent: boolean;
  #granted = 0;
  /** What ended calls have used, and what running calls have reserved. */
  #taken = 0;
  /** How many calls have a reservation. */
  #open = 0;
  /** When the database last answered. */
  #answeredTicks = Number.NEGATIVE_INFINITY;
  /** How much nobody had leased when the database last answered. */
  #room = 0;
  /** The lease is used until here, in monotonic milliseconds. */
  #validUntilTicks = Number.NEGATIVE_INFINITY;
  #exhaustedUntilTicks = Number.NEGATIVE_INFINITY;
  /** The lowest level that the database has refused. */
  #refusedLevel = 0;
  /** More is not asked for ahead of need before. */
  #scarceUntilTicks = Number.NEGATIVE_INFINITY;
  /** How much was free when the database last answered, if that was less than was asked for. */
  #scarceFree = 0;
  #lastUsedTicks: number;
  #waiting: Waiter[] = [];
  /** Those for whom a demand is on its way. Undefined: none is. */
  #asked: Waiter[] | undefined;
  #isOver = false;
  /** How much more than what is taken is leased. */
  #margin = 0;
  /** What it is while calls come at the rate of the last seconds. */
  #steadyMargin = 0;
  #usedSinceTick = 0;
  #perSecond = 0;

  constructor(counter: QuotaCounter, nowTicks: number) {
    this.counter = counter;
    this.counterId = quotaCounterId(counter);
    this.countPrefix = countPrefix(counter.unit, this.counterId, this.leaseId);
    this.#isConcurrent = counter.unit === 'concurrent';
    this.#lastUsedTicks = nowTicks;
  }

  free(nowTicks: number): number {
    return nowTicks < this.#validUntilTicks ? this.#granted - this.#taken : 0;
  }

  /** How much of the limit is left, as far as this proxy knows: what others have leased counts as used. */
  remaining(): number {
    return Math.max(0, this.#granted - this.#taken + this.#room);
  }

  take(amount: number, nowTicks: number): void {
    this.#taken += amount;
    this.#open += 1;
    this.#lastUsedTicks = nowTicks;
    this.#usedSinceTick += amount;
    if (this.#isConcurrent) this.#margin = Math.max(1, this.#taken >> 2);
    else this.#margin = Math.max(this.#margin, amount * firstCalls, 2 * this.#usedSinceTick);
  }

  /** Ends a reservation with the true amount; with 0 where the call was not made. */
  settle(reserved: number, used: number, nowTicks: number): void {
    this.#taken += used - reserved;
    this.#open -= 1;
    this.#lastUsedTicks = nowTicks;
  }

  /** What an ended reservation has used is to be handed over: until then, the call counts as running. */
  reopen(): void {
    this.#open += 1;
  }

  /**
   * Takes out what a pending call has reserved. The database withholds it beside the lease from now on, so it is not free
   * here: the lease shrinks by it. Not while a demand is on its way, whose answer may still have it in the lease.
   */
  handOver(reserved: number, nowTicks: number): void {
    this.#granted -= reserved;
    this.settle(reserved, 0, nowTicks);
  }

  isAsking(): boolean {
    return this.#asked !== undefined;
  }

  /**
   * Whether more should be leased at once, before it is needed. Where calls come at the rate of the last seconds, that is
   * soon enough once a second, for all leases together (`runsLow`): so it is left to that, unless the rest would not last
   * until an answer.
   *
   * @param leadMs how long before it is used up a lease is to be asked for anew, at most half of the horizon
   */
  isLow(nowTicks: number, leadMs: number): boolean {
    if (this.#asked || nowTicks < this.#scarceUntilTicks) return false;
    const free = this.free(nowTicks);
    const isSteady = !this.#isConcurrent && this.#margin <= 1.5 * this.#steadyMargin;
    const part = isSteady ? leadMs / horizonMs : 0.5;
    // Near the limit, leases are smaller than what is asked for. The next one comes before this one is used up.
    return free < this.#margin * part || free * 2 < this.#scarceFree;
  }

  /** Whether more will be needed before the next tick, or soon after it. */
  runsLow(nowTicks: number): boolean {
    if (this.#isConcurrent || this.#asked || nowTicks < this.#scarceUntilTicks) return false;
    return this.free(nowTicks) * 4 < this.#steadyMargin * 3;
  }

  /** Whether the database has just refused such an amount, or a smaller one. */
  isExhausted(amount: number, nowTicks: number): boolean {
    return nowTicks < this.#exhaustedUntilTicks && this.#taken + amount >= this.#refusedLevel;
  }

  /** Whether the database says that the window is over. */
  isOver(): boolean {
    return this.#isOver;
  }

  /**
   * Whether the lease has expired, and something was taken. The database may have added up what it knows of it, so the
   * lease must not go on: another one begins, and the records of this one's calls count by themselves. Running calls are
   * in no record, so they stay.
   */
  isStale(nowTicks: number): boolean {
    return !this.#isConcurrent && this.#taken !== 0 && nowTicks >= this.#validUntilTicks && !this.#asked;
  }

  /** Whether no call runs, and none has for a while. */
  isIdle(nowTicks: number): boolean {
    // A client that was refused comes again a second later, and the database keeps a place for this lease until then.
    const idleMs = this.#isConcurrent && this.#refusedLevel === 0 ? 1_000 : 3_000;
    return this.#open === 0 && !this.#asked && this.#waiting.length === 0 && nowTicks - this.#lastUsedTicks > idleMs;
  }

  /** Whether a call used it within the last `ms`. */
  isBusy(nowTicks: number, ms: number): boolean {
    return this.#open > 0 || nowTicks - this.#lastUsedTicks < ms;
  }

  /** Whether the lease ends soon, or is for much more than is used. */
  needsRenewal(nowTicks: number): boolean {
    if (this.#asked) return false;
    const isEnding = this.#validUntilTicks - nowTicks < localLeaseMs / 2;
    if (this.#isConcurrent) return isEnding || nowTicks - this.#answeredTicks > this.#placesMs();
    return isEnding || this.free(nowTicks) > 4 * Math.max(this.#margin, 1);
  }

  #placesMs(): number {
    return this.#room < this.#granted ? placesMs.scarce : placesMs.plenty;
  }

  /** Adjusts to the rate of use. Called once a second. */
  tick(): void {
    // What becomes more counts at once: a lease that is too small makes calls wait, while one that is too large is given back.
    this.#perSecond = Math.max(this.#usedSinceTick, (this.#perSecond + this.#usedSinceTick) / 2);
    this.#usedSinceTick = 0;
    if (this.#isConcurrent) return;
    this.#steadyMargin = Math.ceil((this.#perSecond * horizonMs) / 1_000);
    this.#margin = this.#steadyMargin;
  }

  /** Expects the same rate as in the window before. */
  follow(former: Slice): void {
    this.#perSecond = former.#perSecond;
    this.#margin = former.#margin;
    this.#steadyMargin = former.#steadyMargin;
  }

  /** The limit has changed: what was leased under the former one is not used before the database has confirmed it. */
  withhold(): void {
    this.#granted = Math.min(this.#granted, this.#taken);
    this.#exhaustedUntilTicks = Number.NEGATIVE_INFINITY;
    this.#scarceUntilTicks = Number.NEGATIVE_INFINITY;
  }

  wait(waiter: Waiter): void {
    this.#waiting.push(waiter);
  }

  /** Those that no demand is for yet. They wait no longer. */
  takeWaiting(): readonly Waiter[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }

  hasWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /**
   * Makes the demand that is now sent.
   *
   * @param amount the limit
   */
  demand(amount: number, ends: boolean): QuotaDemand {
    const asked = this.#waiting;
    this.#asked = asked;
    this.#waiting = [];
    const taken = Math.max(0, this.#taken);
    const wanted = taken + asked.reduce((sum, waiter) => sum + waiter.amount, 0);
    const target = ends ? taken : wanted + this.#margin;
    // What is given back must not be used while the demand is on its way.
    this.#granted = Math.min(this.#granted, Math.max(target, taken));
    return {
      ...this.counter,
      ...{ counterId: this.counterId, leaseId: this.leaseId, amount, spent: taken },
      smallest: taken + Math.min(...asked.map(({ smallest }) => smallest), asked.length === 0 ? 1 : Infinity),
      ...{ wanted, target, ends, ttlMs: leaseMs },
    };
  }

  /**
   * Takes the answer.
   *
   * @param sentTicks when the demand was sent: the lease began after that
   * @returns the calls that waited for it
   */
  apply({ granted, room, isCurrent }: QuotaGrant, sentTicks: number, nowTicks: number): readonly Waiter[] {
    const asked = this.#endAsking();
    // Below 0: how many places others lack, which are given back as the calls here end.
    this.#granted = this.#isConcurrent ? granted + Math.min(0, room) : granted;
    this.#room = Math.max(0, room);
    this.#answeredTicks = nowTicks;
    this.#isOver = !isCurrent;
    this.#validUntilTicks = isCurrent ? sentTicks + localLeaseMs : Number.NEGATIVE_INFINITY;
    const free = this.#granted - this.#taken;
    // Other calls may have taken meanwhile what was granted for these, which then ask again: only what is left of the limit
    // says that there is nothing.
    const refused = asked.map(({ smallest }) => smallest).filter((smallest) => free + this.#room < smallest);
    if (isCurrent && refused.length > 0) {
      this.#refusedLevel = this.#taken + Math.min(...refused);
      this.#exhaustedUntilTicks = nowTicks + (this.#isConcurrent ? exhaustedMs.concurrent : exhaustedMs.other);
      if (this.#isConcurrent) this.#lastUsedTicks = nowTicks;
      else this.#expectNothing();
    } else if (asked.length > 0) this.#refusedLevel = 0;
    this.#scarceFree = free < this.#margin && !this.#isConcurrent ? free : 0;
    if (free < this.#margin) this.#scarceUntilTicks = nowTicks + (this.#room === 0 ? exhaustedMs.other : scarceMs);
    return asked;
  }

  /** What is left is too little for the calls here, so the next tick gives it back: others may have smaller ones. */
  #expectNothing(): void {
    this.#perSecond = 0;
    this.#usedSinceTick = 0;
    this.#margin = 0;
    this.#steadyMargin = 0;
  }

  /** The demand was not answered: the lease stays as it was. @returns the calls that waited for the answer */
  fail(): readonly Waiter[] {
    return this.#endAsking();
  }

  #endAsking(): readonly Waiter[] {
    const asked = this.#asked ?? [];
    this.#asked = undefined;
    return asked;
  }
}
