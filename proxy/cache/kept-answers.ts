import { LRUCache } from 'lru-cache';
import type { Envelope } from '../../database/envelope.ts';
import type { AgedAnswer, AnswerMemory } from './answer-memory.ts';
import type { Keeping, Stored, StoredAnswers } from './stored-answers.ts';

/** How long a call waits for an equal one that is being answered. Then it asks the provider itself. */
const waitMs = 30_000;
/** The pauses between two looks for what another proxy asks for. */
const lookMs = { first: 20, last: 250 };

/** Which answer is looked for, and by whom. */
export interface Sought {
  readonly id: Buffer;
  readonly envelope: Envelope;
  readonly maxAgeMs: number;
  /** Aborted when nobody waits for it any more. */
  readonly gone: () => AbortSignal;
}

/** The right to ask for an answer, for which others wait. It is ended once. */
export interface Turn {
  /** The answer is there. */
  kept(keeping: Keeping): void;
  /** There is none that others could get. @param isInVain whether the next one would not be kept, either */
  ended(isInVain: boolean): void;
}

/** Either an answer, or the caller's turn to ask. */
export type FoundOrTurn =
  | { readonly found: AgedAnswer; readonly turn?: undefined }
  | { readonly found?: undefined; readonly turn: Turn };

/**
 * The answers of an organization: in memory, else in PostgreSQL. Of equal calls that come while one is being answered,
 * one asks, and the others get its answer. Those that wait in vain ask at the same time, and not one after the other.
 */
export class KeptAnswers {
  readonly #memory: AnswerMemory;
  readonly #stored: StoredAnswers;
  /** What is being asked for here. */
  readonly #flights = new Map<string, Promise<AgedAnswer | undefined>>();
  /** Calls whose last answer could not be kept, so nobody waits for the next one. */
  readonly #inVain = new LRUCache<string, true>({ maxSize: 10_000, sizeCalculation: () => 1, ttl: 60_000 });
  /** Raised where nothing of before may be replayed from memory. */
  #generation = 0;

  constructor(memory: AnswerMemory, stored: StoredAnswers) {
    this.#memory = memory;
    this.#stored = stored;
  }

  /** Looks in memory. */
  remembered(id: Buffer, maxAgeMs: number): AgedAnswer | undefined {
    return this.#memory.get(id.toString('hex'), maxAgeMs);
  }

  /** Looks in PostgreSQL, and never asks. */
  async look({ id, envelope, maxAgeMs }: Sought): Promise<AgedAnswer | undefined> {
    return this.#remember(id, await this.#stored.find(id, envelope, maxAgeMs, false));
  }

  /** A turn for which nobody waits. */
  turn(id: Buffer): Turn {
    const generation = this.#generation;
    return {
      kept: (keeping) => {
        const found = { answer: keeping.answer, ageMs: 0 };
        if (generation === this.#generation) this.#memory.set(id.toString('hex'), found);
        this.#stored.keep(keeping);
      },
      ended: () => {},
    };
  }

  /** Finds the answer, waits for an equal call, or gives the turn to ask. Rejects where the client has gone meanwhile. */
  async find(sought: Sought): Promise<FoundOrTurn> {
    const { id, maxAgeMs } = sought;
    const name = id.toString('hex');
    const flight = this.#flights.get(name);
    if (flight) {
      const found = await waitFor(flight, sought.gone());
      return found && found.ageMs < maxAgeMs ? { found } : { turn: this.turn(id) };
    }
    if (this.#inVain.has(name)) {
      const found = await this.look(sought);
      return found ? { found } : { turn: this.turn(id) };
    }
    const { promise, resolve } = Promise.withResolvers<AgedAnswer | undefined>();
    this.#flights.set(name, promise);
    const land = (answer: AgedAnswer | undefined) => {
      this.#flights.delete(name);
      resolve(answer);
    };
    try {
      const found = await this.#findAmongProxies(sought);
      if (found) {
        land(found);
        return { found };
      }
    } catch (error) {
      land(undefined);
      throw error;
    }
    const plain = this.turn(id);
    return {
      turn: {
        kept: (keeping) => {
          plain.kept(keeping);
          land({ answer: keeping.answer, ageMs: 0 });
        },
        ended: (isInVain) => {
          if (isInVain) this.#inVain.set(name, true);
          this.#stored.release(id);
          land(undefined);
        },
      },
    };
  }

  /** Nothing that is in memory is replayed any more. PostgreSQL may still have it. */
  forget(): void {
    this.#generation += 1;
    this.#memory.clear();
  }

  /** @returns undefined: this proxy asks */
  async #findAmongProxies(sought: Sought): Promise<AgedAnswer | undefined> {
    const { id, envelope, maxAgeMs } = sought;
    const untilMs = performance.now() + waitMs;
    for (let pauseMs = lookMs.first; ; pauseMs = Math.min(pauseMs * 1.5, lookMs.last)) {
      const stored = await this.#stored.find(id, envelope, maxAgeMs, true);
      const found = this.#remember(id, stored);
      if (found) return found;
      if (!('state' in stored) || stored.state !== 'asked' || performance.now() > untilMs) return undefined;
      await pause(pauseMs, sought.gone());
    }
  }

  #remember(id: Buffer, { found }: Stored): AgedAnswer | undefined {
    if (found) this.#memory.set(id.toString('hex'), found);
    return found;
  }
}

/** @throws the signal's reason */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return waitFor(new Promise((resolve) => setTimeout(resolve, ms)), signal);
}

/** Waits for a value for a while. Undefined: it did not come. Rejects when the signal is aborted. */
function waitFor<T>(value: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => settle(() => resolve(undefined)), waitMs);
    const onAbort = () => settle(() => reject(signal.reason));
    const settle = (how: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      how();
    };
    signal.addEventListener('abort', onAbort);
    if (signal.aborted) onAbort();
    value.then(
      (known) => settle(() => resolve(known)),
      (error: unknown) => settle(() => reject(error)),
    );
  });
}
