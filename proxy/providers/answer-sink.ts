import type { ProxyError } from '../error.ts';

/** The headers of an answer, with lower-case names. */
export type AnswerHeaders = Readonly<Record<string, string | string[]>>;

/**
 * Receives an answer, live or replayed: `head`, any number of `chunk`, then either `end` or `fail`. Sinks form a chain.
 * Each does one thing to the answer, and passes it on in the same turn of the event loop.
 *
 * A sink that throws ends the answer: its feeder then calls `fail`, and feeds no more.
 */
export interface AnswerSink {
  /** The whole request is on its way. An answer may come before. */
  sent?(): void;
  head(status: number, headers: AnswerHeaders): void;
  /** @returns whether the next chunk may come now; false: the feeder waits until it is told to resume */
  chunk(bytes: Buffer): boolean;
  /** @param last the last chunk, if it came with the end */
  end(last?: Buffer): void;
  /**
   * The answer did not come, or broke off.
   *
   * @param isUnsent whether nothing of the request has left, so that the provider cannot have acted on it
   */
  fail(problem: ProxyError, isUnsent?: boolean): void;
}
