import { type FoundAnswer, findAnswer, holdAnswers, keepAnswer } from '../../database/cached-answers.ts';
import type { Envelope, EnvelopePlace } from '../../database/envelope.ts';
import type { Queryable } from '../../database/queryable.ts';
import { afterRunning } from '../running-time.ts';
import type { AgedAnswer } from './answer-memory.ts';
import { decodeAnswer, encodeAnswer, type KeptAnswer } from './kept-answer.ts';

/** A call waits no longer for PostgreSQL, while this process runs; then it is a miss. */
const findLimitMs = 500;
/** After a failure nobody asks PostgreSQL for a while, so that not every call waits for it. */
const pauseMs = 1_000;
/** A lease that is not renewed ends, as that of a proxy that was killed. */
const leaseMs = 6_000;
const renewMs = 2_000;

type Query = <T>(work: (db: Queryable) => Promise<T>) => Promise<T>;

export interface StoredAnswersOptions {
  readonly organizationId: string;
  /** This process. */
  readonly holder: string;
  /** For look-ups, which calls wait for. */
  readonly query: Query;
  /** For everything else. */
  readonly run: Query;
  readonly onFailure: (error: unknown) => void;
}

/** What PostgreSQL has of an answer. */
export type Stored =
  | { readonly found: AgedAnswer }
  /** `leased`: this proxy may ask; `asked`: another one does; `unavailable`: nobody knows. */
  | { readonly found?: undefined; readonly state: 'absent' | 'leased' | 'asked' | 'unavailable' };

export interface Keeping {
  readonly id: Buffer;
  readonly envelope: Envelope;
  readonly answer: KeptAnswer;
  readonly ttlMs: number;
  readonly maxBytes: number;
  /** Milliseconds since 1970. */
  readonly beganAtMs: number;
}

/** The organization's answers in PostgreSQL, which all its proxies share. What fails here is a miss. */
export class StoredAnswers {
  readonly #options: StoredAnswersOptions;
  readonly #leases = new Map<string, Buffer>();
  #renewal: NodeJS.Timeout | undefined;
  #pausedUntilMs = 0;

  constructor(options: StoredAnswersOptions) {
    this.#options = options;
  }

  /** @param wantsLease whether this proxy asks where there is no answer, and nobody else does */
  async find(id: Buffer, envelope: Envelope, maxAgeMs: number, wantsLease: boolean): Promise<Stored> {
    if (performance.now() < this.#pausedUntilMs) return { state: 'unavailable' };
    const lease = wantsLease ? { holder: this.#options.holder, leaseMs } : undefined;
    try {
      const found = await limited(this.#options.query((db) => findAnswer(db, id, maxAgeMs, lease)));
      return this.#read(id, envelope, found, wantsLease);
    } catch (error) {
      this.#pausedUntilMs = performance.now() + pauseMs;
      this.#options.onFailure(error);
      return { state: 'unavailable' };
    }
  }

  /** Keeps an answer, and ends the lease. */
  keep({ id, envelope, answer, ttlMs, maxBytes, beganAtMs }: Keeping): void {
    this.#forget(id);
    const { holder, run, onFailure } = this.#options;
    const sealed = envelope.seal(this.#placeOf(id), encodeAnswer(answer));
    run((db) => keepAnswer(db, { id, sealed, ttlMs, maxBytes, beganAtMs, holder })).catch(onFailure);
  }

  /** Ends the lease, so that another proxy may ask. */
  release(id: Buffer): void {
    if (!this.#forget(id)) return;
    const { holder, run, onFailure } = this.#options;
    run((db) => holdAnswers(db, [id], holder, null)).catch(onFailure);
  }

  close(): void {
    clearInterval(this.#renewal);
  }

  #read(id: Buffer, envelope: Envelope, { sealed, ageMs, isLeased }: FoundAnswer, wantsLease: boolean): Stored {
    if (isLeased) {
      this.#hold(id);
      return { state: 'leased' };
    }
    if (sealed === null) return { state: wantsLease ? 'asked' : 'absent' };
    const answer = decodeAnswer(envelope.open(this.#placeOf(id), sealed));
    return { found: { answer, ageMs: Math.max(0, ageMs ?? 0) } };
  }

  #placeOf(id: Buffer): EnvelopePlace {
    const { organizationId } = this.#options;
    return { organizationId, column: 'cached_answers.answer', rowId: id.toString('hex') };
  }

  #hold(id: Buffer): void {
    this.#leases.set(id.toString('hex'), id);
    this.#renewal ??= setInterval(() => this.#renew(), renewMs).unref();
  }

  #forget(id: Buffer): boolean {
    const had = this.#leases.delete(id.toString('hex'));
    if (this.#leases.size === 0) {
      clearInterval(this.#renewal);
      this.#renewal = undefined;
    }
    return had;
  }

  #renew(): void {
    const { holder, query, onFailure } = this.#options;
    query((db) => holdAnswers(db, [...this.#leases.values()], holder, leaseMs)).catch(onFailure);
  }
}

/** @throws {Error} where it takes too long. What comes later is not used: a lease ends by itself. */
function limited<T>(work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = afterRunning(findLimitMs, () => reject(new Error(`no answer in ${findLimitMs} ms`)));
  return Promise.race([work, promise]).finally(stop);
}
