import type { Dispatcher } from 'undici';
import type { Persona, RoutedKey, Snapshot, Surface } from '../../snapshot/snapshot.ts';
import type { Caller, OperationName, Usage } from '../call.ts';
import type { Share } from '../in-flight.ts';
import type { Ownership } from '../resources/ownership.ts';
import type { Body } from './json.ts';

export type { Body };

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
  /**
   * The event that tells the client, in the operation's own form, that the stream broke off; empty where it has none, and
   * where the client has a part of another event.
   */
  interruption(message: string, code: string): string;
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

/** A call that may be made as far as its body shows. */
export interface AdmissionSubject {
  readonly body: Body;
  readonly caller: Caller;
  readonly snapshot: Snapshot;
  readonly key: RoutedKey;
  /** What the call holds of memory. */
  readonly share: Share;
}

/** What an operation's own check may ask. */
export interface AdmissionMeans {
  readonly ownership: Ownership;
  readonly upstream: Dispatcher;
}

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
  goesOn?(body: Body): boolean;
  /** The calls that an answer stands for, once it is over, each of which has a price of its own. Absent: it is one call's. */
  readParts?(answer: Body, open: OpenFile): AsyncIterable<Part>;
  /**
   * Judges what a body does not show by itself, its models too. Absent: it shows everything.
   *
   * @throws {ProxyError} where the call may not be made
   */
  admit?(subject: AdmissionSubject, means: AdmissionMeans): Promise<void>;
  /**
   * The body with the persona's text as its instructions and the persona's defaults where the body says nothing.
   *
   * @throws {ProxyError} `persona_not_supported`
   */
  instruct(body: Body, persona: Persona): Body;
  /** Whether a streamed answer would come without usage, so that it must be asked for (and not shown). */
  lacksUsage(body: Body): boolean;
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
