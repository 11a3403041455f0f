import { mkdirSync } from 'node:fs';
import type { Erasure } from '../../database/erasures.ts';
import type { OwnedResource } from '../../database/owned-resources.ts';
import type { PendingCall } from '../../database/pending-calls.ts';
import type { RatingRecord } from '../../database/ratings.ts';
import type { RequestRecord, RequestReference } from '../../database/requests.ts';
import { type Entry, emptyBytes } from './frame.ts';
import { makeGroup } from './group.ts';
import { makeIntents } from './intents.ts';
import { lockDirectory } from './lock.ts';
import { makeMemory, rememberedCount } from './memory.ts';
import { openSegments, type Place } from './segments.ts';
import { openSetAside } from './set-aside.ts';
import { happenedAtMs, type SpoolTable, spoolTables, tableOf, type WaitingKind } from './tables.ts';
import { makeUnwritten } from './unwritten.ts';
import { makeWaiting } from './waiting.ts';

/** A row that waits to be copied to Postgres. */
export interface SpooledRow {
  readonly id: number;
  /** JSON text of a record of the row's table. */
  readonly row: Buffer;
  /** The sealed contents of a call. Empty where it has none. */
  readonly sealed: Buffer;
}

/** A settled call that is not in Postgres yet. */
export interface WaitingCall {
  readonly record: RequestRecord;
  /** Empty where it has no contents. */
  readonly sealed: Buffer;
}

/**
 * The local, durable log of usage. A call writes its intent before it goes upstream, and its true usage before its
 * answer ends.
 *
 * Frames are appended to files. A written frame survives the death of the process, but not a power cut. The intents and
 * settlements of one turn of the event loop are written at its end, with one write; then their calls go on.
 */
export interface Spool {
  /**
   * Writes the intent with the others of this turn.
   *
   * @param onWritten is called when the call may go upstream, or with the reason why it may not
   * @returns the handle for `settle` and `defer`
   * @throws {SpoolError} where it cannot be written
   */
  begin(intent: RequestRecord, onWritten: (error?: SpoolError) => void): number;
  /**
   * Replaces the intent by the call's settlement, with the others of this turn. Where the volume refuses the write, it
   * is retried until it succeeds.
   *
   * @param sealed the contents (database/contents.ts); undefined where they are not kept
   * @param onWritten is called when the answer may end: once the settlement is written, or refused for the first time
   */
  settle(handle: number, record: RequestRecord, sealed: Buffer | undefined, onWritten: () => void): void;
  /**
   * Replaces the intent by a pending call, which the provider works on after its answer. It is neither settled nor
   * interrupted. It is written at once.
   */
  defer(handle: number, record: PendingCall): void;
  /** Settles a pending call that any proxy has deferred. Later settlements of the same call do nothing. */
  settleDeferred(record: RequestRecord, sealed: Buffer | undefined, onWritten: () => void): void;
  /** Writes without waiting for the end of the turn. */
  writeNow(): void;
  /** Writes a rating at once. @throws {SpoolError} where it cannot be written */
  rate(rating: RatingRecord): void;
  /**
   * Writes the owner of a resource, or that the resource was deleted, at once. @throws {SpoolError} where it cannot be written
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
  /** Finds a settled call that is not in Postgres yet. */
  findWaiting(requestId: string): WaitingCall | undefined;
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
const maxSegmentBytes = 16 * 1024 * 1024;
const maxBatchBytes = 8 * 1024 * 1024;

/** Limits of a spool in a data directory of this size. The rest is for the configuration kept beside it. */
export function spoolBoundsOf(directoryBytes: number): Pick<SpoolOptions, 'maxBytes' | 'maxFileBytes'> {
  return { maxBytes: Math.floor(directoryBytes / 5), maxFileBytes: Math.floor((directoryBytes / 5) * 4) };
}

/** A row that is to wait for Postgres. */
interface NewRow {
  readonly kind: WaitingKind;
  readonly id: number;
  /** Set for a settled call. */
  readonly requestId?: string;
  /** JSON text. */
  readonly row: string;
  readonly sealed?: Buffer | undefined;
}

/**
 * Opens the spool and locks it for this process. Calls that a previous process left open become `interrupted`, with
 * unknown usage.
 *
 * @throws where another process has it open
 */
export function openSpool(options: SpoolOptions): Spool {
  const { directory, maxBytes = gibibyte, maxFileBytes = 4 * gibibyte, onWriteFailure } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const unlock = lock(directory);
  const aside = openSetAside(directory);
  const waiting = makeWaiting();
  const memory = makeMemory();
  const intents = makeIntents(() => segments, onWriteFailure);
  const unwritten = makeUnwritten<NewRow>((_, row) => writeNow(row), onWriteFailure);
  let lastId = 0;
  /** All open intents are in this segment or a later one. */
  let intentsSegment = 0;
  const compactBytes = Math.min(maxSegmentBytes, maxFileBytes) / 4;

  const open = new Map<number, { readonly row: string; readonly place: Place }>();
  const released: (Place | undefined)[] = [];
  const replay = ({ kind, id, row }: Entry, place: Place) => {
    lastId = Math.max(lastId, id);
    if (kind === 'arrival') {
      for (const arrived of String(row).split(',')) {
        for (const table of spoolTables) released.push(waiting.remove(table, Number(arrived)));
      }
      released.push(place);
    } else if (kind === 'intent') {
      open.set(id, { row: String(row), place });
    } else {
      released.push(open.get(id)?.place);
      open.delete(id);
      const isSettled = kind === 'settlement' || kind === 'late settlement';
      waiting.add(tableOf[kind], id, place, isSettled ? requestIdOf(row) : undefined);
    }
  };
  const segments = openSegments({ directory, maxSegmentBytes, maxTotalBytes: maxFileBytes }, replay);
  for (const place of released) if (place) segments.release(place);
  for (const [id, { place }] of open) intents.add(id, place);
  const group = makeGroup(segments);

  const onWrittenIn = (segment: number) => {
    if (segment === intentsSegment) return;
    intentsSegment = segments.current.segment;
    intents.moveToCurrent();
  };
  const isWaiting = ({ kind, id, requestId }: NewRow, place: Place) => {
    intents.end(id);
    waiting.add(tableOf[kind], id, place, requestId);
    onWrittenIn(place.segment);
    spool.onWaiting();
  };
  /** Writes a row with the others of this turn. Where the volume refuses, retries until it succeeds. */
  const write = (row: NewRow, onWritten: () => void) => {
    try {
      group.append(row, (place, error) => {
        if (place) isWaiting(row, place);
        else unwritten.add(row.id, row, error);
        onWritten();
      });
    } catch (error) {
      unwritten.add(row.id, row, error);
      onWritten();
    }
  };
  /** @throws where the volume refuses */
  const writeNow = (row: NewRow) => {
    let refusal: { readonly error: unknown } | undefined;
    group.append(row, (place, error) => {
      if (place) isWaiting(row, place);
      else refusal = { error };
    });
    group.writeNow();
    if (refusal) throw refusal.error;
  };
  const writeOrRefuse = (kind: WaitingKind, record: object) => {
    lastId += 1;
    try {
      writeNow({ kind, id: lastId, row: JSON.stringify(record) });
    } catch (cause) {
      throw new SpoolError('unwritable', `The ${kind} could not be written`, { cause });
    }
  };

  const spool: Spool = {
    get depth() {
      return waiting.depth;
    },
    onWaiting: () => {},
    begin(intent, onWritten) {
      if (waiting.bytes >= maxBytes) throw new SpoolError('full', `${waiting.bytes} bytes wait for the database`);
      lastId += 1;
      const id = lastId;
      const unwritable = (cause: unknown) => new SpoolError('unwritable', 'The intent could not be written', { cause });
      try {
        group.append({ kind: 'intent', id, row: JSON.stringify(intent) }, (place, error) => {
          if (!place) {
            onWritten(unwritable(error));
            return;
          }
          intents.add(id, place);
          onWrittenIn(place.segment);
          onWritten();
        });
      } catch (cause) {
        throw unwritable(cause);
      }
      return id;
    },
    settle(id, record, sealed, onWritten) {
      memory.noteCall(record);
      const row = JSON.stringify(record);
      write({ kind: 'settlement', id, requestId: record.request_id, row, sealed }, onWritten);
    },
    defer(id, record) {
      memory.notePending(record, id);
      write({ kind: 'deferral', id, row: JSON.stringify(record) }, () => {});
      group.writeNow();
    },
    settleDeferred(record, sealed, onWritten) {
      if (!memory.noteLateSettlement(record)) {
        onWritten();
        return;
      }
      lastId += 1;
      const row = JSON.stringify(record);
      write({ kind: 'late settlement', id: lastId, requestId: record.request_id, row, sealed }, onWritten);
    },
    writeNow: group.writeNow,
    rate: (rating) => writeOrRefuse('rating', rating),
    own(resource) {
      writeOrRefuse('ownership', resource);
      memory.noteResource(resource);
    },
    findResource: memory.findResource,
    listResources: memory.listResources,
    findDeferred(responseId) {
      const row = waiting.get('pending', memory.findPending(responseId) ?? 0);
      return row && (JSON.parse(String(segments.readOne(row.place).row)) as PendingCall);
    },
    find: memory.findCall,
    findByKeptId: memory.findByKeptId,
    findWaiting(requestId) {
      const waits = waiting.findCall(requestId);
      const found = waits
        ? segments.readOne(waits.place)
        : unwritten.values().find((row) => row.requestId === requestId);
      return found && { record: JSON.parse(String(found.row)) as RequestRecord, sealed: found.sealed ?? emptyBytes };
    },
    mark: waiting.mark,
    hasLeft: waiting.hasLeft,
    take(table, limit, taken) {
      const places: Place[] = [];
      let length = 0;
      for (const [id, { place }] of waiting.rows(table)) {
        if (places.length >= limit || length >= maxBatchBytes) break;
        if (taken?.has(id)) continue;
        places.push(place);
        length += place.length;
      }
      return segments.read(places);
    },
    remove(table, rows) {
      const ids = rows.map((row) => row.id);
      const places = ids.flatMap((id) => waiting.remove(table, id) ?? []);
      for (const place of places) segments.release(place);
      if (places.some(segments.isKept)) noteArrival(ids);
      if (waiting.depth > 0 || intents.size === 0 || segments.current.size < compactBytes) return;
      segments.rotate();
      onWrittenIn(segments.current.segment);
    },
    setAside(table, row, reason) {
      aside.append(table, row, reason);
      spool.remove(table, [row]);
    },
    hasSetAside: () => aside.exists(),
    eraseUsers: (organizationId, erasures) => aside.eraseUsers(organizationId, erasures),
    oldestAtMs() {
      const times = spoolTables.flatMap((table) => {
        try {
          return spool.take(table, 1).map(({ row }) => happenedAtMs(table, String(row)));
        } catch {
          // The shipper reports unreadable rows.
          return [];
        }
      });
      return times.length === 0 ? undefined : Math.min(...times);
    },
    close() {
      group.writeNow();
      unwritten.close();
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
      group.append({ kind: 'arrival', id: 0, row: ids.join(',') }, (place, error) => {
        if (place) segments.release(place);
        else onWriteFailure?.(error);
      });
    } catch (error) {
      onWriteFailure?.(error);
    }
  };

  for (const { row } of spool.take('calls', rememberedCount)) memory.noteCall(JSON.parse(String(row)));
  for (const { id, row } of spool.take('pending', rememberedCount)) memory.notePending(JSON.parse(String(row)), id);
  for (const { row } of spool.take('settlements', rememberedCount)) {
    memory.noteLateSettlement(JSON.parse(String(row)));
  }
  for (const { row } of spool.take('resources', rememberedCount)) memory.noteResource(JSON.parse(String(row)));
  for (const [id, { row }] of open) {
    const record: RequestRecord = { ...JSON.parse(row), status: 'interrupted', error_code: 'process_ended' };
    spool.settle(id, record, undefined, () => options.onRecovered?.(record));
  }
  group.writeNow();
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
function requestIdOf(row: Buffer): string | undefined {
  const found = /"request_id":"([^"]+)"/.exec(row.toString('latin1', 0, 256))?.[1];
  // A copy: a part of a string keeps all of it in memory.
  return found === undefined ? undefined : Buffer.from(found).toString();
}
