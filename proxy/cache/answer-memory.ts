import { LRUCache } from 'lru-cache';
import type { KeptAnswer } from './kept-answer.ts';

/** An answer, with its age. */
export interface AgedAnswer {
  readonly answer: KeptAnswer;
  readonly ageMs: number;
}

/** What an entry takes beside the answer. */
const entryBytes = 512;

interface Entry {
  readonly answer: KeptAnswer;
  /** By this process's clock. */
  readonly keptAtMs: number;
}

/** The answers that this process replays without asking PostgreSQL. Those that were used longest ago go first. */
export class AnswerMemory {
  readonly #entries: LRUCache<string, Entry>;
  readonly #nowMs: () => number;

  /** @param nowMs a clock that is never set back */
  constructor(maxBytes: number, nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#entries = new LRUCache({
      maxSize: maxBytes,
      maxEntrySize: maxBytes / 4,
      sizeCalculation: ({ answer }) => answer.bytes + entryBytes,
    });
  }

  get(name: string, maxAgeMs: number): AgedAnswer | undefined {
    const found = this.#entries.get(name);
    if (!found) return undefined;
    const ageMs = this.#nowMs() - found.keptAtMs;
    return ageMs < maxAgeMs ? { answer: found.answer, ageMs } : undefined;
  }

  set(name: string, { answer, ageMs }: AgedAnswer): void {
    this.#entries.set(name, { answer, keptAtMs: this.#nowMs() - ageMs });
  }

  clear(): void {
    this.#entries.clear();
  }

  bytes(): number {
    return this.#entries.calculatedSize;
  }
}
