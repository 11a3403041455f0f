import type { Body } from './json.ts';
import type { OpenFile, Part, Reading, StreamOptions, StreamReader } from './reading.ts';

/** How a provider is asked for an operation, and how its answers are read. */
export interface WireFormat {
  /** Path below the provider's base URL. */
  readonly path: string;
  /** Whether a streamed answer would have no usage, so that we must ask for it (and hide it). */
  needsUsageOption(body: Body): boolean;
  /** Reads a whole answer: parsed JSON of any shape. */
  read(answer: unknown, body: Body): Reading;
  /** Reads a whole answer that is text. Undefined where the body did not request text. */
  readText?(text: string, body: Body): Reading | undefined;
  /** Reads events. */
  readStream(options: StreamOptions): StreamReader;
  /** Reads passing bytes of any kind. Absent: the operation has no such answers. */
  readBytes?(body: Body): StreamReader;
  /** Reads the parts of an ended call, each with its own price. Absent: a call has no parts. */
  readParts?(answer: Body, open: OpenFile): AsyncIterable<Part>;
}
