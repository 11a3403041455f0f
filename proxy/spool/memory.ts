import { LRUCache } from 'lru-cache';
import { keptIdDigest } from '../../database/ids.ts';
import type { OwnedResource } from '../../database/owned-resources.ts';
import type { PendingCall } from '../../database/pending-calls.ts';
import { type RequestRecord, type RequestReference, referenceOf } from '../../database/requests.ts';
import { makeRecentCalls } from './recent-calls.ts';

/** How many calls, and how many resources, a spool remembers. */
export const rememberedCount = 20_000;

/** Not `max`: with it, a cache allocates all of its memory at once, and a start takes 15 ms longer. */
const bounds = { maxSize: rememberedCount, sizeCalculation: () => 1 };

/** What a spool remembers of recent calls and resources, whether or not they are in Postgres already. */
export interface Memory {
  noteCall(record: RequestRecord): void;
  /** @param id of the row that waits */
  notePending(record: PendingCall, id: number): void;
  /** @returns false where the call was settled late before */
  noteLateSettlement(record: RequestRecord): boolean;
  noteResource(resource: OwnedResource): void;
  /** Finds a call by request id or response id. */
  findCall(id: string): RequestReference | undefined;
  /** Finds a call by the id of a part of its answer. */
  findByKeptId(id: string): RequestReference | undefined;
  /** Finds the row of a pending call by the provider's id. */
  findPending(responseId: string): number | undefined;
  findResource(id: string): OwnedResource | undefined;
  /** Lists one user's resources, including deleted ones. */
  listResources(userId: string): OwnedResource[];
}

export function makeMemory(): Memory {
  // Each call has two ids.
  const calls = makeRecentCalls(rememberedCount * 2);
  const callsByKeptId = new LRUCache<string, RequestReference>(bounds);
  const resources = new LRUCache<string, OwnedResource>(bounds);
  const pending = new LRUCache<string, number>(bounds);
  const settledLate = new LRUCache<string, true>(bounds);

  const noteCall = (record: RequestRecord) => {
    const reference = referenceOf(record);
    calls.add(reference);
    for (const digest of record.kept_ids ?? []) callsByKeptId.set(digest, reference);
  };
  return {
    noteCall,
    notePending(record, id) {
      noteCall(record);
      pending.set(record.response_id, id);
    },
    noteLateSettlement(record) {
      if (settledLate.has(record.request_id)) return false;
      settledLate.set(record.request_id, true);
      if (record.response_id !== null) pending.delete(record.response_id);
      noteCall(record);
      return true;
    },
    noteResource: (resource) => void resources.set(resource.resource_id, resource),
    findCall: calls.find,
    findByKeptId: (id) => callsByKeptId.get(keptIdDigest(id)),
    findPending: (responseId) => pending.get(responseId),
    findResource: (id) => resources.get(id),
    listResources: (userId) => [...resources.values()].filter((resource) => resource?.user_id === userId),
  };
}
