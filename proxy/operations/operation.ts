import type { Body } from '../providers/json.ts';
import type { OpenFile, Part, Reading, StreamOptions, StreamReader } from '../providers/reading.ts';
import type { Persona, Surface } from '../snapshot/snapshot.ts';

/** The API operations that are governed as calls: each goes upstream and is accounted for. */
export type OperationName =
  | 'responses'
  | 'compact'
  | 'batches'
  | 'chat'
  | 'completions'
  | 'embeddings'
  | 'moderations'
  | 'image_generations'
  | 'image_edits'
  | 'image_variations'
  | 'speech'
  | 'transcriptions'
  | 'translations';

/** One governed operation of the OpenAI API: what differs between them, and nothing else. */
export interface Operation {
  readonly name: OperationName;
  /** What the organization must serve for it. */
  readonly surface: Surface;
  /** Below the provider's base URL. */
  readonly path: string;
  /** Fields that must be there, beside `model`. */
  readonly required: readonly string[];
  /** Whether the provider chooses a model where the body names none. */
  readonly modelIsOptional?: true;
  /** Whether its body may be a form with files in it. Such a body has a form's fields, all of them text. */
  readonly takesForm?: true;
  /** Whether the provider works on after its answer, so that the end must be asked for. Absent: it never does. */
  runsInBackground?(body: Body): boolean;
  /** The calls that an answer stands for, once it is over, each of which has a price of its own. Absent: it is one call's. */
  readParts?(answer: Body, open: OpenFile): AsyncIterable<Part>;
  /**
   * The body with the persona's text as its instructions and the persona's defaults where the body says nothing.
   *
   * @throws {ProxyError} `persona_not_supported`
   */
  applyPersona(body: Body, persona: Persona): Body;
  /** Whether a streamed answer would come without usage, so that it must be asked for (and not shown). */
  needsUsageOption(body: Body): boolean;
  /** Reads a whole answer: parsed JSON of any shape. */
  read(answer: unknown, body: Body): Reading;
  /** Reads a whole answer that is text; undefined where the body did not ask for text. */
  readText?(text: string, body: Body): Reading | undefined;
  /** What the client gets of a whole answer, where that is not the provider's bytes. */
  present?(answer: Body): Body;
  /** Reads events. */
  readStream(options: StreamOptions): StreamReader;
  /** Reads bytes of any kind that pass as they come. Absent: it answers with no such thing. */
  readBytes?(body: Body): StreamReader;
}
