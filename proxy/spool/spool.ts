import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { LRUCache } from 'lru-cache';
import type { RatingRecord } from '../../database/ratings.ts';
import type { RequestRecord, RequestReference } from '../../database/requests.ts';
import { lockDirectory } from './lock.ts';
import { formatLine, type LogLine, parseLine } from './log-line.ts';
import { openSegments, type Place } from './segments.ts';

/** A row of the spool that waits to be copied to Postgres. */
export interface SpooledRow {
  readonly id: number;
  /** JSON text of a RequestRecord or a RatingRecord. */
  readonly record: string;
}

export type SpoolTable = 'calls' | 'ratings';

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
  rate(rating: RatingRecord): void;
  /** A call of this proxy by request id or response id, of the most recent ones. */
  find(id: string): RequestReference | undefined;
  /** The record of a call that is settled and not in Postgres yet. */
  findWaiting(requestId: string): RequestRecord | undefined;
  /** The oldest rows that wait, at most `limit` and at most some megabytes. */
  take(table: SpoolTable, limit: number): SpooledRow[];
  remove(table: SpoolTable, rows: readonly SpooledRow[]): void;
  /** Puts a row that Postgres will never accept where a person can look at it. */
  setAside(table: SpoolTable, row: SpooledRow, reason: string): void;
  /** How many settled calls and ratings wait. */
  readonly depth: number;
  /** When what the oldest row that waits tells of happened, in milliseconds since 1970; undefined where none waits. */
  oldestAtMs(): number | undefined;
  /** Called after each settlement and rating. */
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
const maxSegmentBytes = 16 * 1024 * 1024;
const maxBatchBytes = 8 * 1024 * 1024;
/** Records that wait are kept in memory up to this; the others are read again when their turn comes. */
const maxTextBytes = 32 * 1024 * 1024;
const retryMs = 1_000;

/** Something that waits for Postgres. */
interface Entry {
  readonly place: Place;
  /** Undefined where it is to be read from its place. */
  readonly text: string | undefined;
  /** Of a call. */
  readonly requestId: string | undefined;
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
  const open = new Map<number, Place>();
  const waiting: Record<SpoolTable, Map<number, Entry>> = { calls: new Map(), ratings: new Map() };
  /** Calls that wait, by request id. */
  const waitingCalls = new Map<string, number>();
  /** Settlements that the volume has refused so far. */
  const unwritten = new Map<number, string>();
  // Each call is in it by two ids.
  const recent = new LRUCache<string, RequestReference>({ max: recentReferences * 2 });
  let lastId = 0;
  let bytes = 0;
  let textBytes = 0;
  let retryTimer: NodeJS.Timeout | undefined;
  /** The file that all intents are in. */
  let intentsIn = 0;
  const compactBytes = Math.min(maxSegmentBytes, maxFileBytes) / 4;

  const wait = (table: SpoolTable, id: number, record: string, place: Place) => {
    const text = textBytes < maxTextBytes ? record : undefined;
    const requestId = table === 'calls' ? requestIdOf(record) : undefined;
    waiting[table].set(id, { place, text, requestId });
    if (requestId !== undefined) waitingCalls.set(requestId, id);
    bytes += place.length;
    textBytes += text?.length ?? 0;
  };
  const leave = (table: SpoolTable, id: number): Place | undefined => {
    const entry = waiting[table].get(id);
    if (!entry) return undefined;
    waiting[table].delete(id);
    if (entry.requestId !== undefined) waitingCalls.delete(entry.requestId);
    bytes -= entry.place.length;
    textBytes -= entry.text?.length ?? 0;
    return entry.place;
  };
  const remember = (record: RequestRecord) => {
    const reference = referenceOf(record);
    recent.set(record.request_id, reference);
    if (record.response_id !== null) recent.set(record.response_id, reference);
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
      } else if (kind === 'settlement') {
        released.push(open.get(id));
        open.delete(id);
        intents.delete(id);
        wait('calls', id, record, place);
      } else if (kind === 'rating') wait('ratings', id, record, place);
      else released.push(leave('calls', id), leave('ratings', id));
    }
    if (kind === 'arrival') released.push(place);
  };
  const segments = openSegments({ directory, maxSegmentBytes, maxTotalBytes: maxFileBytes }, replay);
  for (const place of released) if (place) segments.release(place);

  const append = (kind: LogLine['kind'], ids: readonly number[], record: string): Place => {
    const place = segments.append(formatLine(kind, ids, record));
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
  const write = (id: number, json: string) => {
    const place = append('settlement', [id], json);
    const intent = open.get(id);
    open.delete(id);
    wait('calls', id, json, place);
    if (intent) segments.release(intent);
    spool.onWaiting();
  };
  const writeAgain = () => {
    try {
      for (const [id, json] of unwritten) {
        write(id, json);
        unwritten.delete(id);
      }
    } catch (error) {
      writeLater(error);
    }
  };
  const writeLater = (error: unknown) => {
    options.onWriteFailure?.(error);
    clearTimeout(retryTimer);
    retryTimer = setTimeout(writeAgain, retryMs);
  };
  const recordOf = ({ place, text }: Entry) => text ?? parseLine(segments.read(place))?.record ?? '';

  const spool: Spool = {
    get depth() {
      return waiting.calls.size + waiting.ratings.size;
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
      const json = JSON.stringify(record);
      remember(record);
      try {
        write(id, json);
      } catch (error) {
        unwritten.set(id, json);
        writeLater(error);
      }
    },
    rate(rating) {
      const json = JSON.stringify(rating);
      const id = lastId + 1;
      try {
        wait('ratings', id, json, append('rating', [id], json));
      } catch (cause) {
        throw new SpoolError('unwritable', 'The rating could not be written', { cause });
      }
      lastId = id;
      spool.onWaiting();
    },
    find: (id) => recent.get(id),
    findWaiting(requestId) {
      const entry = waiting.calls.get(waitingCalls.get(requestId) ?? 0);
      const json = entry ? recordOf(entry) : unwritten.values().find((text) => requestIdOf(text) === requestId);
      return json === undefined ? undefined : (JSON.parse(json) as RequestRecord);
    },
    take(table, limit) {
      const rows: SpooledRow[] = [];
      let taken = 0;
      for (const [id, entry] of waiting[table]) {
        if (rows.length >= limit || taken >= maxBatchBytes) break;
        rows.push({ id, record: recordOf(entry) });
        taken += entry.place.length;
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
      appendFileSync(join(directory, 'set-aside.jsonl'), `${JSON.stringify({ table, reason, record: row.record })}\n`);
      spool.remove(table, [row]);
    },
    oldestAtMs() {
      const [call] = spool.take('calls', 1);
      const [rating] = spool.take('ratings', 1);
      const times = [
        ...(call ? [(JSON.parse(call.record) as RequestRecord).started_at] : []),
        ...(rating ? [(JSON.parse(rating.record) as RatingRecord).rated_at] : []),
      ];
      return times.length === 0 ? undefined : Math.min(...times.map(Date.parse));
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

function referenceOf(record: RequestRecord): RequestReference {
  return {
    requestId: record.request_id,
    responseId: record.response_id,
    userId: record.user_id,
    apiKeyId: record.api_key_id,
  };
}
