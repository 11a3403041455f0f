import type { CallLog } from './call-log.ts';
import type { Fields } from './fields.ts';
import type { JsonObject } from './json.ts';
import type { Keep } from './keep.ts';

/** What a plain endpoint is given: the parameters of its path and query, its body, and what the sandbox remembers. */
export interface Lookup {
  /** The `:id` of its path; empty where the path has none. */
  id: string;
  /** The `:item` of its path, below `:id`; empty where the path has none. */
  item: string;
  query: URLSearchParams;
  /** Without any field where there is no body. */
  body: Fields;
  faultTexts: string[];
  /** The bearer key; empty where none was asked for. */
  key: string;
  /** As returned in `x-request-id`. */
  requestId: string;
  calls: CallLog;
  /** What is stored under the caller's key. */
  keep: Keep;
}

/** A body that is not JSON. */
export interface Content {
  contentType: string;
  chunks: Iterable<Uint8Array | string> | AsyncIterable<Uint8Array | string>;
}

/** Answers at once, with a 200 or a ProviderError. */
export type Look = (lookup: Lookup) => JsonObject;
/** The same, with a body that is not JSON wherever it is asked for one. */
export type LookAtContent = (lookup: Lookup) => JsonObject | Content;

export function isContent(answer: JsonObject | Content): answer is Content {
  return 'chunks' in answer && typeof answer.contentType === 'string';
}
