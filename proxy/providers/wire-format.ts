import type { Body } from './json.ts';
import type { OpenFile, Part, Reading, StreamOptions, StreamReader } from './reading.ts';
import type { Translation } from './translation.ts';

/** How a provider is asked for an operation, and how its answers are read. */
export interface WireFormat {
  /** Path below the provider's base URL. */
  readonly path: string;
  /**
   * How the operation is carried to a provider that speaks another API. The rest of the format then reads what the
   * client gets. Absent: client and provider speak the same API.
   */
  readonly translation?: Translation;
  /** The client's headers, in lower case, that go to the provider beside those that always do. */
  readonly passes?: readonly string[];
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
