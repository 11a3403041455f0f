import { LRUCache } from 'lru-cache';
import type { BackgroundWork } from './background-work.ts';
import type { JsonObject } from './json.ts';
import { makeResponseStore, type ResponseStore } from './response-store.ts';

export interface Conversation {
  object: JsonObject;
  /** The oldest first, each with an id. */
  items: JsonObject[];
}

export interface StoredFile {
  object: JsonObject;
  bytes: Uint8Array;
}

export interface Batch {
  object: JsonObject;
  work: BackgroundWork;
}

export interface VectorStore {
  object: JsonObject;
  /** By file id. */
  files: Map<string, JsonObject>;
  batches: Map<string, JsonObject>;
}

/** The data stored under one key. As at a provider, no other key sees it. */
export interface Keep {
  responses: ResponseStore;
  /** Keeps the responses that are not stored, for the connection on which they were made. Absent: nobody does. */
  unstored?: Pick<ResponseStore, 'keep'>;
  /** Input and output items of stored responses, and items of conversations, by id. */
  items: LRUCache<string, JsonObject>;
  conversations: LRUCache<string, Conversation>;
  files: LRUCache<string, StoredFile>;
  batches: LRUCache<string, Batch>;
  vectorStores: LRUCache<string, VectorStore>;
}

/** Beyond these limits the oldest are dropped. */
const limits = { keys: 100, each: 10_000, fileBytes: 256 * 1024 * 1024 };
/** Not `max`: each cache would allocate all of its memory at once. */
const each = { maxSize: limits.each, sizeCalculation: () => 1 };

/** Makes the function that returns each key's store. */
export function makeKeeps(): (key: string) => Keep {
  const keeps = new LRUCache<string, Keep>({ max: limits.keys });
  return (key) => {
    const keep = keeps.get(key) ?? makeKeep();
    keeps.set(key, keep);
    return keep;
  };
}

function makeKeep(): Keep {
  return {
    responses: makeResponseStore(limits.each),
    items: new LRUCache(each),
    conversations: new LRUCache(each),
    files: new LRUCache({
      max: limits.each,
      maxSize: limits.fileBytes,
      sizeCalculation: ({ bytes }) => bytes.length + 1000,
    }),
    batches: new LRUCache(each),
    vectorStores: new LRUCache(each),
  };
}

/** The stored objects, the oldest first. Use `peek` elsewhere, since `get` changes the order. */
export function inOrder<Stored extends object>(cache: LRUCache<string, Stored>): Stored[] {
  return [...cache.rvalues()].filter((stored) => stored !== undefined);
}
