import { mkdirSync } from 'node:fs';
import { LRUCache } from 'lru-cache';
import type { Erasure } from '../../database/erasures.ts';
import { keptIdDigest } from '../../database/ids.ts';
import type { OwnedResource } from '../../database/owned-resources.ts';
import type { PendingCall } from '../../database/pending-calls.ts';
import type { RatingRecord } from '../../database/ratings.ts';
import { type RequestRecord, type RequestReference, referenceOf } from '../../database/requests.ts';
import { lockDirectory } from './lock.ts';
import { formatHead, type LogLine, parseLine } from './log-line.ts';
import { makeRecent } from './recent.ts';
import { openSegments, type Place } from './segments.ts';
import { openSetAside } from './set-aside.ts';
import { happenedAtMs, type SpoolTable, spoolTables, tableOf, type WaitingKind } from './tables.ts';

/** A row of the spool that waits to be copied to Postgres. */
export interface SpooledRow {
  readonly id: number;
  /** JSON text of what the table holds. */
  readonly record: string;
}

/**
 * The local, durable log of usage: an intent before a call goes upstream, the true usage before its answer ends.
 *
 * Lines are appended to files, so what was written survives the death of the process (not a power cut), and a write
 * costs microseconds and is made in the call's own turn of the event loop.
 */
export interface Spool {
  /** Writes the intent. @returns the handle to settle it with @throws {SpoolError} where it cannot be kept */
  begin(intent: RequestRecord): number;
  /** Replaces the intent by what became of the call. Where the volume refuses it, it is tried again until it is written. */
  settle(handle: number, record: RequestRecord): void;
  /** Replaces the intent of a call that goes on at the provider after its answer: it is neither settled nor interrupted. */
  defer(handle: number, record: PendingCall): void;
  /** Settles a call that was deferred, by whichever proxy. Later ones of the same call do nothing. */
  settleDeferred(record: RequestRecord): void;
  /** @throws {SpoolError} where it cannot be kept */
  rate(rating: RatingRecord): void;
  /** Notes whose something is, or that it was deleted. @throws {SpoolError} where it cannot be kept */
  own(resource: OwnedResource): void;
  /** What callers of this proxy made, of the most recent. */
  findResource(id: string): OwnedResource | undefined;
  /** The same of one user, deleted ones too. */
  listResources(userId: string): OwnedResource[];
  /** The deferred call that the provider knows by this id, as long as it waits. */
  findDeferred(responseId: string): PendingCall | undefined;
  /** A call of this proxy by request id or response id, of the most recent ones. */
  find(id: string): RequestReference | undefined;
  /** The same by the id of a part of its answer. */
  findByKeptId(id: string): RequestReference | undefined;
  /** The record of a call that is settled and not in Postgres yet. */
  findWaiting(requestId: string): RequestRecord | undefined;
  /** The oldest rows that wait and are not among `taken`: at most `limit`, and at most some megabytes. */
  take(table: SpoolTable, limit: number, taken?: ReadonlySet<number>): SpooledRow[];
  remove(table: SpoolTable, rows: readonly SpooledRow[]): void;
  /** Puts a row that Postgres will never accept where a person can look at it. */
  setAside(table: SpoolTable, row: SpooledRow, reason: string): void;
  hasSetAside(): boolean;
  /** Takes those who were erased out of what was set aside. @returns out of how many rows */
  forget(organizationId: string, erasures: readonly Erasure[]): number;
  /** How many rows wait. */
  readonly depth: number;
  /** A mark of what waits now. */
  mark(): number;
  /** Whether all that waited at the mark has left. */
  hasLeft(mark: number): boolean;
  /** When what the oldest row that waits tells of happened, in milliseconds since 1970; undefined where none waits that can be read. */
  oldestAtMs(): number | undefined;
  /** Called after whatever has to be copied. */
  onWaiting: () => void;
  close(): void;
}

export class SpoolError extends Error {
  override readonly name = 'SpoolError';
  readonly code: 'full' | 'unwritable';

  constructor(code: SpoolError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export interface SpoolOptions {
  /** On a volume that survives restarts of the container; made where it is missing. */
  readonly directory: string;
  /** How much may wait before no further call is let through. */
  readonly maxBytes?: number;
  /** What the file may grow to, which leaves room for the calls that are under way then. */
  readonly maxFileBytes?: number;
  /** Told when the volume refuses to keep a settlement. */
  readonly onWriteFailure?: (error: unknown) => void;
}

const gibibyte = 1024 ** 3;
const recentReferences = 20_000;
/** By `max`, a cache would take the room for all of them at once, and a start 15 ms longer. */
const upTo = (count: number) => ({ maxSize: count, sizeCalculation: () => 1 });
const maxSegmentBytes = 16 * 1024 * 1024;
const maxBatchBytes = 8 * 1024 * 1024;
const retryMs = 1_000;

/**
 * Something that waits for Postgres. It is read from its place when its turn comes: kept in memory for that long, it would
 * outlive what else a call makes there, and take many times its room until it is collected.
 */
interface Entry {
  readonly place: Place;
  /** Of a call. */
  readonly requestId: string | undefined;
  /** The how many-th it was to come. */
  readonly arrival: number;
}

/** How large a spool may become in a directory that may hold so much: the rest is for the configuration kept beside it. */
export function spoolBoundsOf(directoryBytes: number): Pick<SpoolOptions, 'maxBytes' | 'maxFileBytes'> {
  return { maxBytes: Math.floor(directoryBytes / 5), maxFileBytes: Math.floor((directoryBytes / 5) * 4) };
}

/**
 * Opens the spool and takes it for this process alone. Calls that a dead predecessor left open become `interrupted`,
 * with usage unknown.
 *
 * @throws where another process has it open
 */
export function openSpool(options: SpoolOptions): Spool {
  const { directory, maxBytes = gibibyte, maxFileBytes = 4 * gibibyte } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const unlock = lock(directory);
  const aside = openSetAside(directory);
  const open = new Map<number, Place>();
  const waiting: Record<SpoolTable, Map<number, Entry>> = {
    calls: new Map(),
    pending: new Map(),
    settlements: new Map(),
    resources: new Map(),
    ratings: new Map(),
  };
  /** Settled calls that wait, by request id. */
  const waitingCalls = new Map<string, number>();
  /** What became of calls, where the volume has refused it so far. */
  const unwritten = new Map<number, { readonly kind: WaitingKind; readonly json: string }>();
  // Each call is in it by two ids.
  const recent = makeRecent<RequestReference>(recentReferences * 2);
  const recentByKeptId = new LRUCache<string, RequestReference>(upTo(recentReferences));
  const owned = new LRUCache<string, OwnedResource>(upTo(recentReferences));
  /** Of the deferred calls that wait, by the provider's id. */
  const deferred = new LRUCache<string, number>(upTo(recentReferences));
  const settledLate = new LRUCache<string, true>(upTo(recentReferences));
  let lastId = 0;
  let lastArrival = 0;
  let bytes = 0;
  let retryTimer: NodeJS.Timeout | undefined;
  /** The file that all intents are in. */
  let intentsIn = 0;
  const compactBytes = Math.min(maxSegmentBytes, maxFileBytes) / 4;

  const wait = (table: SpoolTable, id: number, record: string, place: Place) => {
    const requestId = table === 'calls' || table === 'settlements' ? requestIdOf(record) : undefined;
    lastArrival += 1;
    waiting[table].set(id, { place, requestId, arrival: lastArrival });
    if (requestId !== undefined) waitingCalls.set(requestId, id);
    bytes += place.length;
  };
  const leave = (table: SpoolTable, id: number): Place | undefined => {
    const entry = waiting[table].get(id);
    if (!entry) return undefined;
    waiting[table].delete(id);
    if (entry.requestId !== undefined) waitingCalls.delete(entry.requestId);
    bytes -= entry.place.length;
    return entry.place;
  };
  const remember = (record: RequestRecord) => {
    const reference = referenceOf(record);
    recent.set(record.request_id, reference);
    if (record.response_id !== null) recent.set(record.response_id, reference);
    for (const digest of record.kept_ids ?? []) recentByKeptId.set(digest, reference);
  };

  const intents = new Map<number, string>();
  const released: (Place | undefined)[] = [];
  const replay = (line: string, place: Place) => {
    const { kind, ids, record } = parseLine(line) ?? { kind: 'arrival', ids: [], record: '' };
    for (const id of ids) {
      lastId = Math.max(lastId, id);
      if (kind === 'intent') {
        intents.set(id, record);
        open.set(id, place);
      } else if (kind === 'arrival') {
        for (const table of spoolTables) released.push(leave(table, id));
      } else {
        released.push(open.get(id));
        open.delete(id);
        intents.delete(id);
        wait(tableOf[kind], id, record, place);
      }
    }
    if (kind === 'arrival') released.push(place);
  };
  const segments = openSegments({ directory, maxSegmentBytes, maxTotalBytes: maxFileBytes }, replay);
  for (const place of released) if (place) segments.release(place);

  const append = (kind: LogLine['kind'], ids: readonly number[], record: string): Place => {
    const place = segments.append(formatHead(kind, ids), record);
    if (place.segment !== intentsIn) moveIntents();
    return place;
  };
  /** A call that takes long must not keep a file whose other lines are all dealt with. */
  const moveIntents = () => {
    intentsIn = segments.current.segment;
    try {
      for (const [id, place] of open) if (place.segment !== intentsIn) open.set(id, segments.move(place));
    } catch (error) {
      // They are safe where they are; the next file gets them.
      options.onWriteFailure?.(error);
    }
  };
  const write = (kind: WaitingKind, id: number, json: string) => {
    const place = append(kind, [id], json);
    const intent = open.get(id);
    open.delete(id);
    wait(tableOf[kind], id, json, place);
    if (intent) segments.release(intent);
    spool.onWaiting();
  };
  const writeAgain = () => {
    try {
      for (const [id, { kind, json }] of unwritten) {
        write(kind, id, json);
        unwritten.delete(id);
      }
    } catch (error) {
      writeLater(error);
    }
  };
  /** Where the volume refuses it, it is tried again until it is written. */
  const writeSurely = (kind: WaitingKind, id: number, json: string) => {
    try {
      write(kind, id, json);
    } catch (error) {
      unwritten.set(id, { kind, json });
      writeLater(error);
    }
  };
  const writeOrRefuse = (kind: WaitingKind, json: string) => {
    const id = lastId + 1;
    try {
      write(kind, id, json);
    } catch (cause) {
      throw new SpoolError('unwritable', `The ${kind} could not be written`, { cause });
    }
    lastId = id;
  };
  const writeLater = (error: unknown) => {
    options.onWriteFailure?.(error);
    clearTimeout(retryTimer);
    retryTimer = setTimeout(writeAgain, retryMs);
  };
  const rememberDeferred = (id: number, record: PendingCall) => {
    remember(record);
    deferred.set(record.response_id, id);
  };
  const recordOf = ({ place }: Entry) => parseLine(segments.read(place))?.record ?? '';

  const spool: Spool = {
    get depth() {
      return spoolTables.reduce((depth, table) => depth + waiting[table].size, 0);
    },
    onWaiting: () => {},
    begin(intent) {
      if (bytes >= maxBytes) throw new SpoolError('full', `${bytes} bytes wait for the database`);
      const id = lastId + 1;
      try {
        open.set(id, append('intent', [id], JSON.stringify(intent)));
      } catch (cause) {
        throw new SpoolError('unwritable', 'The intent could not be written', { cause });
      }
      lastId = id;
      return id;
    },
    settle(id, record) {
      remember(record);
      writeSurely('settlement', id, JSON.stringify(record));
    },
    defer(id, record) {
      rememberDeferred(id, record);
      writeSurely('deferral', id, JSON.stringify(record));
    },
    settleDeferred(record) {
      if (settledLate.has(record.request_id)) return;
      settledLate.set(record.request_id, true);
      if (record.response_id !== null) deferred.delete(record.response_id);
      remember(record);
      lastId += 1;
      writeSurely('late settlement', lastId, JSON.stringify(record));
    },
    rate: (rating) => writeOrRefuse('rating', JSON.stringify(rating)),
    own(resource) {
      writeOrRefuse('ownership', JSON.stringify(resource));
      owned.set(resource.resource_id, resource);
    },
    findResource: (id) => owned.get(id),
    listResources: (userId) => [...owned.values()].filter((resource) => resource?.user_id === userId),
    findDeferred(responseId) {
      const entry = waiting.pending.get(deferred.get(responseId) ?? 0);
      return entry && (JSON.parse(recordOf(entry)) as PendingCall);
    },
    find: (id) => recent.get(id),
    findByKeptId: (id) => recentByKeptId.get(keptIdDigest(id)),
    findWaiting(requestId) {
      const id = waitingCalls.get(requestId) ?? 0;
      const entry = waiting.calls.get(id) ?? waiting.settlements.get(id);
      const json = entry
        ? recordOf(entry)
        : unwritten.values().find((text) => text.kind !== 'deferral' && requestIdOf(text.json) === requestId)?.json;
      return json === undefined ? undefined : (JSON.parse(json) as RequestRecord);
    },
    mark: () => lastArrival,
    hasLeft: (mark) =>
      spoolTables.every((table) => (waiting[table].values().next().value?.arrival ?? Number.POSITIVE_INFINITY) > mark),
    take(table, limit, taken) {
      const rows: SpooledRow[] = [];
      let length = 0;
      for (const [id, entry] of waiting[table]) {
        if (rows.length >= limit || length >= maxBatchBytes) break;
        if (taken?.has(id)) continue;
        rows.push({ id, record: recordOf(entry) });
        length += entry.place.length;
      }
      return rows;
    },
    remove(table, rows) {
      const ids = rows.map((row) => row.id);
      const places = ids.map((id) => leave(table, id));
      noteArrival(ids);
      for (const place of places) if (place) segments.release(place);
      if (spool.depth > 0 || open.size === 0 || segments.current.size < compactBytes) return;
      segments.rotate();
      moveIntents();
    },
    setAside(table, row, reason) {
      aside.append(table, row.record, reason);
      spool.remove(table, [row]);
    },
    hasSetAside: () => aside.exists(),
    forget: (organizationId, erasures) => aside.forget(organizationId, erasures),
    oldestAtMs() {
      const times = spoolTables.flatMap((table) => {
        try {
          return spool.take(table, 1).map(({ record }) => happenedAtMs(table, record));
        } catch {
          // Whoever copies it says that it cannot be read.
          return [];
        }
      });
      return times.length === 0 ? undefined : Math.min(...times);
    },
    close() {
      clearTimeout(retryTimer);
      segments.close();
      unlock();
    },
  };

  /** Spares the next start sending them again, which would change nothing: so where it cannot be written, it is left. */
  const noteArrival = (ids: readonly number[]) => {
    try {
      segments.release(append('arrival', ids, ''));
    } catch (error) {
      options.onWriteFailure?.(error);
    }
  };

  for (const { record } of spool.take('calls', recentReferences)) remember(JSON.parse(record) as RequestRecord);
  for (const { id, record } of spool.take('pending', recentReferences)) {
    rememberDeferred(id, JSON.parse(record) as PendingCall);
  }
  for (const { record } of spool.take('settlements', recentReferences)) {
    const settled = JSON.parse(record) as RequestRecord;
    settledLate.set(settled.request_id, true);
    if (settled.response_id !== null) deferred.delete(settled.response_id);
    remember(settled);
  }
  for (const { record } of spool.take('resources', recentReferences)) {
    const resource = JSON.parse(record) as OwnedResource;
    owned.set(resource.resource_id, resource);
  }
  for (const [id, intent] of intents) {
    spool.settle(id, { ...(JSON.parse(intent) as RequestRecord), status: 'interrupted', error_code: 'process_ended' });
  }
  return spool;
}

function lock(directory: string): () => void {
  try {
    return lockDirectory(directory);
  } catch (cause) {
    throw new Error(`The spool in ${directory} cannot be opened; is another proxy using it?`, { cause });
  }
}

/** `request_id` is always the first field of a record: it is read without parsing the rest. */
function requestIdOf(record: string): string | undefined {
  const found = /"request_id":"([^"]+)"/.exec(record)?.[1];
  // A copy: a part of a string keeps all of it in memory.
  return found === undefined ? undefined : Buffer.from(found).toString();
}
