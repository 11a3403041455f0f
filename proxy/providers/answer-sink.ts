import type { ProxyError } from '../error.ts';

/** The headers of an answer, by their names in lower case. */
export type AnswerHeaders = Readonly<Record<string, string | string[]>>;

/**
 * Takes an answer as it comes, or as it is replayed: `head`, any number of `chunk`, then either `end` or `fail`.
 * Sinks stand around each other: each does one thing to what passes, and hands it on in the same turn of the event loop.
 *
 * A sink that throws ends the answer: whoever feeds it tells it so by `fail`, and feeds no more.
 */
export interface AnswerSink {
  /** Told that the whole request is on its way. An answer may come before. */
  sent?(): void;
  head(status: number, headers: AnswerHeaders): void;
  /** @returns whether the next chunk may come now; false: whoever feeds the sink waits until it is told to resume */
  chunk(bytes: Buffer): boolean;
  /** @param last what comes with the end, if anything does */
  end(last?: Buffer): void;
  /** The answer does not come, or breaks off. */
  fail(problem: ProxyError): void;
}
