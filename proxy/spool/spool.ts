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
import { type LinePosition, openSegments } from './segments.ts';
import { openSetAside } from './set-aside.ts';
import { happenedAtMs, type SpoolTable, spoolTables, tableOf, type WaitingKind } from './tables.ts';

/** A row that waits to be copied to Postgres. */
export interface SpooledRow {
  readonly id: number;
  /** JSON text of a record of the row's table. */
  readonly record: string;
}

/**
 * The local, durable log of usage. A call writes its intent before it goes upstream, and its true usage before its
 * answer ends.
 *
 * Lines are appended to files. A written line survives the death of the process, but not a power cut. A write costs
 * microseconds, so the call makes it in its own turn of the event loop.
 */
export interface Spool {
  /** Writes the intent. @returns the handle for `settle` and `defer` @throws {SpoolError} where it cannot be written */
  begin(intent: RequestRecord): number;
  /**
   * Replaces the intent by the call's settlement. Where the volume refuses the write, it is retried until it succeeds.
   */
  settle(handle: number, record: RequestRecord): void;
  /**
   * Replaces the intent by a pending call, which the provider works on after its answer. It is neither settled nor
   * interrupted.
   */
  defer(handle: number, record: PendingCall): void;
  /** Settles a pending call that any proxy has deferred. Later settlements of the same call do nothing. */
  settleDeferred(record: RequestRecord): void;
  /** Writes a rating. @throws {SpoolError} where it cannot be written */
  rate(rating: RatingRecord): void;
  /**
   * Writes the owner of a resource, or that the resource was deleted. @throws {SpoolError} where it cannot be written
   */
  own(resource: OwnedResource): void;
  /** Finds one of the most recent resources that callers of this proxy made. */
  findResource(id: string): OwnedResource | undefined;
  /** Lists one user's recent resources, including deleted ones. */
  listResources(userId: string): OwnedResource[];
  /** Finds a waiting pending call by the provider's id. */
  findDeferred(responseId: string): PendingCall | undefined;
  /** Finds one of this proxy's most recent calls by request id or response id. */
  find(id: string): RequestReference | undefined;
  /** Finds a recent call by the id of a part of its answer. */
  findByKeptId(id: string): RequestReference | undefined;
  /** Finds the record of a settled call that is not in Postgres yet. */
  findWaiting(requestId: string): RequestRecord | undefined;
  /** Takes the oldest waiting rows that are not in `taken`: at most `limit`, and at most some megabytes. */
  take(table: SpoolTable, limit: number, taken?: ReadonlySet<number>): SpooledRow[];
  remove(table: SpoolTable, rows: readonly SpooledRow[]): void;
  /** Sets a row aside that Postgres will never accept, for a person to inspect. */
  setAside(table: SpoolTable, row: SpooledRow, reason: string): void;
  hasSetAside(): boolean;
  /** Removes erased users from the rows that were set aside. @returns how many rows it changed */
  eraseUsers(organizationId: string, erasures: readonly Erasure[]): number;
  /** Number of waiting rows. */
  readonly depth: number;
  /** A mark behind the newest waiting row, for `hasLeft`. */
  mark(): number;
  /** Whether all rows that waited at the mark have left the spool. */
  hasLeft(mark: number): boolean;
  /** Time of the oldest waiting record, in milliseconds since 1970. Undefined where no readable row waits. */
  oldestAtMs(): number | undefined;
  /** Called after a row was added that has to be copied. */
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
  /** On a volume that survives restarts of the container. Created where missing. */
  readonly directory: string;
  /** How many bytes may wait before further calls are refused. */
  readonly maxBytes?: number;
  /** The size limit of all files. It is larger than `maxBytes`, so the calls that are under way can still settle. */
  readonly maxFileBytes?: number;
  /** Called for each call that a predecessor left open, once it is settled. */
  readonly onRecovered?: (record: RequestRecord) => void;
  /** Called when the volume refuses to write a settlement. */
  readonly onWriteFailure?: (error: unknown) => void;
}

const gibibyte = 1024 ** 3;
const recentReferences = 20_000;
/** Not `max`: with it, a cache allocates all of its memory at once, and a start takes 15 ms longer. */
const boundedTo = (count: number) => ({ maxSize: count, sizeCalculation: () => 1 });
const maxSegmentBytes = 16 * 1024 * 1024;
const maxBatchBytes = 8 * 1024 * 1024;
const retryMs = 1_000;

/**
 * A row that waits for Postgres. Its record is read from the file when it is copied. In memory, the record would
 * outlive the call's other objects, and so take many times its size until it is collected.
 */
interface Entry {
  readonly place: LinePosition;
  /** Set for a call. */
  readonly requestId: string | undefined;
  /** Arrival order. */
  readonly arrival: number;
}

/** Limits of a spool in a data directory of this size. The rest is for the configuration kept beside it. */
export function spoolBoundsOf(directoryBytes: number): Pick<SpoolOptions, 'maxBytes' | 'maxFileBytes'> {
  return { maxBytes: Math.floor(directoryBytes / 5), maxFileBytes: Math.floor((directoryBytes / 5) * 4) };
}

/**
 * Opens the spool and locks it for this process. Calls that a previous process left open become `interrupted`, with
 * unknown usage.
 *
 * @throws where another process has it open
 */
export function openSpool(options: SpoolOptions): Spool {
  const { directory, maxBytes = gibibyte, maxFileBytes = 4 * gibibyte } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const unlock = lock(directory);
  const aside = openSetAside(directory);
  const open = new Map<number, LinePosition>();
  const waiting: Record<SpoolTable, Map<number, Entry>> = {
    calls: new Map(),
    pending: new Map(),
    settlements: new Map(),
    resources: new Map(),
    ratings: new Map(),
  };
  /** Waiting settled calls, by request id. */
  const waitingCalls = new Map<string, number>();
  /** Settlements that the volume has refused so far. */
  const unwritten = new Map<number, { readonly kind: WaitingKind; readonly json: string }>();
  // Each call has two keys.
  const recent = makeRecent<RequestReference>(recentReferences * 2);
  const recentByKeptId = new LRUCache<string, RequestReference>(boundedTo(recentReferences));
  const owned = new LRUCache<string, OwnedResource>(boundedTo(recentReferences));
  /** Waiting pending calls, by the provider's id. */
  const deferred = new LRUCache<string, number>(boundedTo(recentReferences));
  const settledLate = new LRUCache<string, true>(boundedTo(recentReferences));
  let lastId = 0;
  let lastArrival = 0;
  let bytes = 0;
  let retryTimer: NodeJS.Timeout | undefined;
  /** All open intents are in this segment or a later one. */
  let intentsSegment = 0;
  const compactBytes = Math.min(maxSegmentBytes, maxFileBytes) / 4;

  const wait = (table: SpoolTable, id: number, record: string, place: LinePosition) => {
    const requestId = table === 'calls' || table === 'settlements' ? requestIdOf(record) : undefined;
    lastArrival += 1;
    waiting[table].set(id, { place, requestId, arrival: lastArrival });
    if (requestId !== undefined) waitingCalls.set(requestId, id);
    bytes += place.length;
  };
  const leave = (table: SpoolTable, id: number): LinePosition | undefined => {
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
  const released: (LinePosition | undefined)[] = [];
  const replay = (line: string, place: LinePosition) => {
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

  const append = (kind: LogLine['kind'], ids: readonly number[], record: string): LinePosition => {
    const place = segments.append(formatHead(kind, ids), record);
    if (place.segment !== intentsSegment) moveIntents();
    return place;
  };
  /** Moves the intents of long calls, so that they do not keep an old file whose other lines are all done. */
  const moveIntents = () => {
    intentsSegment = segments.current.segment;
    try {
      for (const [id, place] of open) if (place.segment !== intentsSegment) open.set(id, segments.move(place));
    } catch (error) {
      // The intents are safe where they are. The next file gets them.
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
  /** Writes a line. Where the volume refuses, retries until it succeeds. */
  const writeWithRetry = (kind: WaitingKind, id: number, json: string) => {
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
      writeWithRetry('settlement', id, JSON.stringify(record));
    },
    defer(id, record) {
      rememberDeferred(id, record);
      writeWithRetry('deferral', id, JSON.stringify(record));
    },
    settleDeferred(record) {
      if (settledLate.has(record.request_id)) return;
      settledLate.set(record.request_id, true);
      if (record.response_id !== null) deferred.delete(record.response_id);
      remember(record);
      lastId += 1;
      writeWithRetry('late settlement', lastId, JSON.stringify(record));
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
    eraseUsers: (organizationId, erasures) => aside.eraseUsers(organizationId, erasures),
    oldestAtMs() {
      const times = spoolTables.flatMap((table) => {
        try {
          return spool.take(table, 1).map(({ record }) => happenedAtMs(table, record));
        } catch {
          // The shipper reports unreadable rows.
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

  /**
   * Notes that rows have arrived in Postgres, so that the next start does not send them again. Sending again would
   * change nothing, so a failed write is ignored.
   */
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
    const record: RequestRecord = { ...JSON.parse(intent), status: 'interrupted', error_code: 'process_ended' };
    spool.settle(id, record);
    options.onRecovered?.(record);
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
