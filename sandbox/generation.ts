import type { IncomingHttpHeaders } from 'node:http';
import type { Faults } from './faults.ts';
import type { JsonObject } from './json.ts';
import type { ProviderError } from './provider-error.ts';
import type { TokenUsage } from './usage.ts';

/** A call that was read: the facts that a generating endpoint needs. */
export interface GenerationRequest {
  /** The id of the answer. */
  id: string;
  body: JsonObject;
  headers: IncomingHttpHeaders;
  /** The files, where the body was a form. */
  files: UploadedFile[];
  faults: Faults;
  /** The bearer key. Everything is stored per key. */
  key: string;
  /** When the call arrived, in whole seconds since the epoch. */
  createdAt: number;
}

export interface UploadedFile {
  field: string;
  name: string;
  bytes: Uint8Array;
}

/** The answer that a generating endpoint decided on. Nothing has been sent yet. */
export interface Generation {
  usage: TokenUsage;
  /** Whether the answer reports a failure inside a 200. */
  failed: boolean;
  answer: /** `error` shows an error inside the 200; absent: in OpenAI's envelope. */
    | { kind: 'whole'; body: JsonObject; error?: (error: ProviderError) => JsonObject }
    | { kind: 'stream'; stream: EventStream }
    /** Bytes of any kind, sent piece by piece. */
    | { kind: 'bytes'; contentType: string; chunks: Buffer[] };
  /** Called when the answer is complete, just before its end is sent. */
  onComplete?: () => void;
  /**
   * Set where the work continues after the answer. Called before the answer is sent, with a function that ends the
   * call.
   */
  continues?: (end: (status: 'completed' | 'aborted' | 'failed', usage: TokenUsage) => void) => void;
}

export interface StreamEvent {
  /** The terminal event and the events after it mark the answer as complete. */
  part: 'opening' | 'delta' | 'closing' | 'terminal';
  data: JsonObject;
}

/** A generating endpoint's server-sent events, in the form of its API. */
export interface EventStream {
  deltaCount: number;
  events(): Iterable<StreamEvent>;
  /** @param sequence The event's place in the stream, from 0. */
  encode(data: JsonObject, sequence: number): string;
  /** An error inside the stream. */
  error(error: ProviderError): JsonObject;
  /** An event of a type that no client knows. */
  unknown(): JsonObject;
  /** The text after the last event. */
  trailer: string;
}

/** Reads a call and decides its answer. Pure except for ids and the store of responses. */
export type Generate = (request: GenerationRequest) => Generation;
