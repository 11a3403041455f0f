import type { Faults } from './faults.ts';
import type { JsonObject } from './json.ts';
import type { ProviderError } from './provider-error.ts';
import type { TokenUsage } from './usage.ts';

/** A call that was read and not refused yet: what a generating endpoint needs to know of it. */
export interface GenerationRequest {
  /** The id the answer carries. */
  id: string;
  body: JsonObject;
  /** What came beside the fields, where the body was a form. */
  files: UploadedFile[];
  faults: Faults;
  /** The bearer key: what is stored is stored under it. */
  key: string;
  /** When the call arrived, in whole seconds since the epoch. */
  createdAt: number;
}

export interface UploadedFile {
  field: string;
  name: string;
  bytes: Uint8Array;
}

/** What a generating endpoint decided to answer. Nothing of it has been sent yet. */
export interface Generation {
  usage: TokenUsage;
  /** The provider itself says that it failed, in a 200. */
  failed: boolean;
  answer:
    | { kind: 'whole'; body: JsonObject }
    | { kind: 'stream'; stream: EventStream }
    /** Bytes of any kind, sent piece by piece. */
    | { kind: 'bytes'; contentType: string; chunks: Buffer[] };
  /** Called when the answer is complete, just before its end is sent. */
  onComplete?: () => void;
  /** Of an answer after which the work goes on: called before it is sent, with what ends the call. */
  continues?: (end: (status: 'completed' | 'aborted' | 'failed', usage: TokenUsage) => void) => void;
}

export interface StreamEvent {
  /** The terminal event and whatever follows it say that the answer is complete. */
  part: 'opening' | 'delta' | 'closing' | 'terminal';
  data: JsonObject;
}

/** A generating endpoint's server-sent events, in the surface's own form. */
export interface EventStream {
  deltaCount: number;
  events(): Iterable<StreamEvent>;
  /** @param sequence The event's place in the stream, from 0. */
  encode(data: JsonObject, sequence: number): string;
  /** An error inside the stream. */
  error(error: ProviderError): JsonObject;
  /** An event of a type no client has heard of. */
  unknown(): JsonObject;
  /** What follows the last event. */
  trailer: string;
}

/** Reads a call and decides its answer; pure but for ids and the store of responses. */
export type Generate = (request: GenerationRequest) => Generation;
