import type { CallLog } from './call-log.ts';
import type { JsonObject } from './json.ts';
import type { ResponseStore } from './response-store.ts';

/** What a plain endpoint is given: the parameters of its path and query, and what the sandbox remembers. */
export interface Lookup {
  /** The `:id` of its path; empty where the path has none. */
  id: string;
  query: URLSearchParams;
  calls: CallLog;
  responses: ResponseStore;
}

/** Answers at once, with a 200 or a ProviderError. */
export type Look = (lookup: Lookup) => JsonObject;
