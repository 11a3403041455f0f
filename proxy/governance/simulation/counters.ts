import { type WindowSpan, windowAt } from '../../../crds/rule-window.ts';
import type { Counted } from '../../quota/counted.ts';

/** What a call asks of one counter. */
export interface Ask {
  readonly counted: Counted;
  /** Whose calls are counted together. */
  readonly scope: string;
  amount: number;
}

interface Counter {
  span: WindowSpan;
  used: number;
}

/** A call that is under way, and holds places until its end. */
interface Running {
  readonly endsAtMs: number;
  readonly counters: readonly Counter[];
}

/** After so many new counters, those of past windows are forgotten. */
const sweepEvery = 50_000;

/** The counters of rules, replayed in order of time. */
export class Counters {
  readonly #counters = new Map<string, Counter>();
  /** A heap, the earliest end first. */
  readonly #running: Running[] = [];
  #sinceSweep = 0;

  /** Ends the calls that were over by then. */
  advance(atMs: number): void {
    for (let first = this.#running[0]; first && first.endsAtMs <= atMs; first = this.#running[0]) {
      for (const counter of first.counters) counter.used -= 1;
      removeFirst(this.#running);
    }
  }

  /** How much is left for a call. */
  left({ counted, scope }: Ask, atMs: number): number {
    return counted.amountAt(atMs) - this.#counter(counted, scope, atMs).used;
  }

  /** Takes all amounts. Places are held until the call ends. */
  take(asks: readonly Ask[], atMs: number, endsAtMs: number): void {
    const held: Counter[] = [];
    for (const { counted, scope, amount } of asks) {
      const counter = this.#counter(counted, scope, atMs);
      counter.used += amount;
      if (counted.unit === 'concurrent') held.push(counter);
    }
    if (held.length > 0) insert(this.#running, { endsAtMs, counters: held });
  }

  #counter(counted: Counted, scope: string, atMs: number): Counter {
    const key = `${counted.rule}\n${counted.unit}\n${scope}`;
    const known = this.#counters.get(key);
    if (known && isWithin(known.span, atMs)) return known;
    const span = windowAt(counted.window, atMs);
    if (known) {
      known.span = span;
      known.used = 0;
      return known;
    }
    this.#sinceSweep += 1;
    if (this.#sinceSweep > sweepEvery) this.#sweep(atMs);
    const made = { span, used: 0 };
    this.#counters.set(key, made);
    return made;
  }

  #sweep(atMs: number): void {
    this.#sinceSweep = 0;
    for (const [key, { span }] of this.#counters) if (!isWithin(span, atMs)) this.#counters.delete(key);
  }
}

function isWithin({ endMs }: WindowSpan, atMs: number): boolean {
  return endMs === undefined || atMs < endMs;
}

function insert(heap: Running[], running: Running): void {
  let at = heap.push(running) - 1;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    const above = heap[parent];
    if (!above || above.endsAtMs <= running.endsAtMs) break;
    heap[at] = above;
    at = parent;
  }
  heap[at] = running;
}

function removeFirst(heap: Running[]): void {
  const last = heap.pop();
  if (!last || heap.length === 0) return;
  let at = 0;
  for (;;) {
    const [left, right] = [2 * at + 1, 2 * at + 2];
    const least =
      (heap[right]?.endsAtMs ?? Number.POSITIVE_INFINITY) < (heap[left]?.endsAtMs ?? Number.POSITIVE_INFINITY)
        ? right
        : left;
    const below = heap[least];
    if (!below || below.endsAtMs >= last.endsAtMs) break;
    heap[at] = below;
    at = least;
  }
  heap[at] = last;
}
