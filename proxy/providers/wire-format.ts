import type { Body } from './json.ts';
import type { OpenFile, Part, Reading, StreamOptions, StreamReader } from './reading.ts';

/** How a provider is asked for one operation, and how its answers are read. */
export interface WireFormat {
  /** Below the provider's base URL. */
  readonly path: string;
  /** Whether a streamed answer would come without usage, so that it must be asked for (and not shown). */
  needsUsageOption(body: Body): boolean;
  /** Reads a whole answer: parsed JSON of any shape. */
  read(answer: unknown, body: Body): Reading;
  /** Reads a whole answer that is text; undefined where the body did not ask for text. */
  readText?(text: string, body: Body): Reading | undefined;
  /** Reads events. */
  readStream(options: StreamOptions): StreamReader;
  /** Reads bytes of any kind that pass as they come. Absent: it answers with no such thing. */
  readBytes?(body: Body): StreamReader;
  /** The calls that an answer stands for, once it is over, each of which has a price of its own. Absent: it is one call's. */
  readParts?(answer: Body, open: OpenFile): AsyncIterable<Part>;
}
