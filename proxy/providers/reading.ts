import type { Body } from './json.ts';
import type { Usage } from './usage.ts';

/** What an answer says of itself, whether it came whole or as a stream. */
export interface Reading {
  readonly failed: boolean;
  readonly errorCode: string | null;
  readonly responseId: string | null;
  readonly model: string | null;
  readonly serviceTier: string | null;
  readonly usage: Usage;
  /** Ids by which later calls may name parts of the answer. */
  readonly keptIds?: readonly string[];
  /** How far it is, where that is not over with the answer: the provider works on, or was told to stop. */
  readonly state?: 'pending' | 'cancelled' | undefined;
}

/** Reads a stream while it passes. */
export interface StreamReader {
  /**
   * Takes what came from the upstream and returns what the client gets, in whole events; undefined where that is nothing
   * yet.
   *
   * @throws {RangeError} where an event is larger than any that a provider sends
   */
  read(chunk: Buffer): Buffer | undefined;
  /**
   * Told that the upstream has ended its message, which may be what ends the answer.
   *
   * @returns what was still held back; the client gets it only where the answer is over
   */
  end(): Buffer | undefined;
  /** The reading; undefined until the end of the answer has been seen. */
  reading(): Reading | undefined;
  /** Whether a part of the model's output has been seen. */
  hasOutput(): boolean;
  /** What is known of an answer that broke off. */
  partial(): Reading;
  /** The answer as the contents store keeps it. */
  output(): string | undefined;
  /** Whether what the client has so far is whole events, so that a comment may follow; never where there are none. */
  isBetweenEvents(): boolean;
}

export interface StreamOptions {
  readonly hideUsage: boolean;
  readonly keepOutput: boolean;
  readonly body: Body;
}

/** A call that an answer stands for, with others. */
export type Part = Pick<Reading, 'model' | 'usage'>;

/** Reads something below the provider's base URL. */
export type OpenFile = (path: string) => Promise<AsyncIterable<Buffer>>;
