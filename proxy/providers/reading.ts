import type { Body } from './json.ts';
import type { Usage } from './usage.ts';

/** The facts in an answer, whole or streamed. */
export interface Reading {
  readonly failed: boolean;
  readonly errorCode: string | null;
  readonly responseId: string | null;
  readonly model: string | null;
  readonly serviceTier: string | null;
  readonly usage: Usage;
  /** Ids with which later calls may refer to parts of the answer. */
  readonly keptIds?: readonly string[];
  /** The language of what a transcription heard, in the provider's words. */
  readonly language?: string | null;
  /** The state of a call that does not end with the answer: the provider works on, or was told to stop. */
  readonly state?: 'pending' | 'cancelled' | undefined;
}

/** Reads a stream while it passes. */
export interface StreamReader {
  /**
   * Takes a chunk from the upstream, and returns the bytes for the client, in whole events. Undefined where there are
   * none yet.
   *
   * @throws {RangeError} where an event is larger than any real one
   */
  read(chunk: Buffer): Buffer | undefined;
  /**
   * The upstream has ended its message, which may end the answer.
   *
   * @returns bytes that were held back; the client gets them only where the answer is complete
   */
  end(): Buffer | undefined;
  /** The reading. Undefined until the end of the answer was seen. */
  reading(): Reading | undefined;
  /** Whether a part of the model's output was seen. */
  hasOutput(): boolean;
  /** The reading so far, for an answer that broke off. */
  partial(): Reading;
  /** The answer in the form of the contents store. */
  output(): string | undefined;
  /**
   * Whether the client has only whole events so far, so that a comment may follow. False where the stream has no
   * events.
   */
  isBetweenEvents(): boolean;
  /** Whether the client has all that it gets, although the rest of the answer is still read. Absent: never. */
  isOver?(): boolean;
}

export interface StreamOptions {
  readonly hideUsage: boolean;
  readonly keepOutput: boolean;
  readonly body: Body;
}

/** A part of a call that consists of several. */
export type Part = Pick<Reading, 'model' | 'usage'>;

/** Reads a path below the provider's base URL. */
export type OpenFile = (path: string) => Promise<AsyncIterable<Buffer>>;
