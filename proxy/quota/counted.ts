import { type RuleWindow, windowAt } from '../../crds/rule-window.ts';
import type { QuotaScope, QuotaUnit } from '../../database/quota.ts';
import type { Moment } from './database-clock.ts';
import { Slice } from './slice.ts';

/** What a rule counts in one unit. */
export interface Counted {
  /** As in crds/quota-rule.ts. */
  readonly rule: string;
  readonly unit: QuotaUnit;
  readonly per: QuotaScope;
  readonly window: RuleWindow;
  /** The limit at a time of the database. It changes where a raise ends. */
  readonly amountAt: (nowMs: number) => number;
}

/** How long before the end of a window the next one is leased. */
const aheadMs = 2_500;
/** A scope without a call for so long is not leased ahead. */
const busyMs = 10_000;

interface Slot {
  current: Slice;
  next: Slice | undefined;
}

/** The leases of what a rule counts, one for each scope that is in use. */
export class CountedSlices {
  #counted: Counted;
  #amount: number;
  readonly #slots = new Map<string, Slot>();

  constructor(counted: Counted, nowMs: number) {
    this.#counted = counted;
    this.#amount = counted.amountAt(nowMs);
  }

  amount(): number {
    return this.#amount;
  }

  /** Takes over the limit of a new configuration. @returns the slices that were leased under another one */
  replace(counted: Counted, now: Moment): Slice[] {
    this.#counted = counted;
    return this.adjust(now);
  }

  /** Notes the limit of now. @returns the slices that were leased under another one */
  adjust(now: Moment): Slice[] {
    const amount = this.#counted.amountAt(now.ms);
    if (amount === this.#amount) return [];
    this.#amount = amount;
    const slices = [...this.#slots.values()].map(({ current }) => current).filter((each) => !each.isStale(now.ticks));
    for (const slice of slices) slice.withhold();
    return slices;
  }

  isEmpty(): boolean {
    return this.#slots.size === 0;
  }

  /** How much this proxy may still take of a counter. */
  free(counterId: number, nowTicks: number): number {
    for (const { current } of this.#slots.values()) if (current.counterId === counterId) return current.free(nowTicks);
    return 0;
  }

  /** The slice of a scope in the window of now. */
  slice(scope: string, now: Moment): Slice {
    const slot = this.#slots.get(scope);
    if (slot && isUsable(slot.current, now)) return slot.current;
    if (slot?.next && !isPast(slot.next, now.ms) && slot.next.counter.startMs <= now.ms) {
      slot.current = slot.next;
      slot.next = undefined;
      return slot.current;
    }
    const current = this.#make(scope, now.ms, now.ticks);
    this.#slots.set(scope, { current, next: undefined });
    return current;
  }

  /** Calls back for each slice. Called once a second. */
  tick(
    { ms: nowMs, ticks: nowTicks }: Moment,
    { onAsk, onEnd }: { onAsk: (slice: Slice) => void; onEnd: (slice: Slice) => void },
  ): void {
    for (const [scope, slot] of this.#slots) {
      const { current, next } = slot;
      current.tick();
      if (current.isStale(nowTicks)) {
        this.#slots.delete(scope);
        continue;
      }
      if (current.isIdle(nowTicks) || isPast(current, nowMs)) {
        if (current.isIdle(nowTicks) || !next) this.#slots.delete(scope);
        if (!isPast(current, nowMs)) onEnd(current);
        if (next && current.isIdle(nowTicks)) onEnd(next);
        continue;
      }
      if (current.needsRenewal(nowTicks) || current.runsLow(nowTicks)) onAsk(current);
      const { endMs } = current.counter;
      if (next || endMs === undefined || endMs - nowMs > aheadMs || !current.isBusy(nowTicks, busyMs)) continue;
      slot.next = this.#make(scope, endMs, nowTicks);
      slot.next.follow(current);
      onAsk(slot.next);
    }
  }

  /** Forgets all slices. @returns them */
  end(nowTicks: number): Slice[] {
    const slices = [...this.#slots.values()]
      .flatMap(({ current, next }) => (next ? [current, next] : [current]))
      .filter((each) => !each.isStale(nowTicks));
    this.#slots.clear();
    return slices;
  }

  #make(scope: string, atMs: number, nowTicks: number): Slice {
    const { rule, unit, per, window } = this.#counted;
    return new Slice({ rule, unit, per, scope, ...windowAt(window, atMs) }, nowTicks);
  }
}

function isUsable(slice: Slice, now: Moment): boolean {
  return !slice.isOver() && !isPast(slice, now.ms) && !slice.isStale(now.ticks);
}

function isPast({ counter }: Slice, nowMs: number): boolean {
  return counter.endMs !== undefined && nowMs >= counter.endMs;
}
