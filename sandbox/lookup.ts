import type { CallLog } from './call-log.ts';
import type { Dialect } from './dialect.ts';
import type { Fields } from './fields.ts';
import type { JsonObject } from './json.ts';
import type { Keep } from './keep.ts';

/** The input of a plain endpoint: the parameters of its path and query, its body, and the sandbox's stores. */
export interface Lookup {
  /** The `:id` of the path. Empty where there is none. */
  id: string;
  /** The `:item` of the path, below `:id`. Empty where there is none. */
  item: string;
  query: URLSearchParams;
  /** Has no fields where there is no body. */
  body: Fields;
  faultTexts: string[];
  /** The bearer key. Empty where the endpoint requires none. */
  key: string;
  /** As returned in `x-request-id`. */
  requestId: string;
  calls: CallLog;
  /** Whose API the request speaks. */
  dialect: Dialect;
  /** The data stored under the caller's key. */
  keep: Keep;
}

/** A body that is not JSON. */
export interface Content {
  contentType: string;
  chunks: Iterable<Uint8Array | string> | AsyncIterable<Uint8Array | string>;
}

/** Answers with a 200, or throws a ProviderError. */
export type Look = (lookup: Lookup) => JsonObject;
/** Like `Look`, but the answer may be content that is not JSON. */
export type LookAtContent = (lookup: Lookup) => JsonObject | Content;

export function isContent(answer: JsonObject | Content): answer is Content {
  return 'chunks' in answer && typeof answer.contentType === 'string';
}
