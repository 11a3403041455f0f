import { LRUCache } from 'lru-cache';
import type { BackgroundWork } from './background-work.ts';
import type { JsonObject } from './json.ts';
import { makeResponseStore, type ResponseStore } from './response-store.ts';

export interface Conversation {
  object: JsonObject;
  /** Oldest first, each with an id. */
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

/** What is stored under one key: as at a provider, no other key knows of it. */
export interface Keep {
  responses: ResponseStore;
  /** What stored responses were given and said, and what is in conversations, by its id. */
  items: LRUCache<string, JsonObject>;
  conversations: LRUCache<string, Conversation>;
  files: LRUCache<string, StoredFile>;
  batches: LRUCache<string, Batch>;
  vectorStores: LRUCache<string, VectorStore>;
}

/** Beyond these the oldest are forgotten. */
const limits = { keys: 100, each: 10_000, fileBytes: 256 * 1024 * 1024 };
/** By `max`, each would take the room for all of them at once. */
const each = { maxSize: limits.each, sizeCalculation: () => 1 };

/** Makes the function that gives each key its own. */
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

/** What is stored, the oldest first, as long as nobody `get`s it. */
export function inOrder<Stored extends object>(cache: LRUCache<string, Stored>): Stored[] {
  return [...cache.rvalues()].filter((stored) => stored !== undefined);
}
