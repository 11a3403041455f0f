import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { LRUCache } from 'lru-cache';
import type { RatingRecord } from '../../database/ratings.ts';
import type { RequestRecord, RequestReference } from '../../database/requests.ts';

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
 * SQLite in WAL mode with `synchronous=NORMAL`: what was written survives the death of the process (not a power cut),
 * and a write costs microseconds, so it is made in the call's own turn of the event loop.
 */
export interface Spool {
  /** Writes the intent. @returns the handle to settle it with @throws {SpoolError} where it cannot be kept */
  begin(intent: RequestRecord): number;
  /** Replaces the intent by what became of the call. Where the volume refuses it, it is tried again until it is written. */
  settle(handle: number, record: RequestRecord): void;
  rate(rating: RatingRecord): void;
  /** A call of this proxy by request id or response id: all that wait, and the most recent others. */
  find(id: string): RequestReference | undefined;
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
const pageBytes = 4096;
const recentReferences = 20_000;
const maxBatchBytes = 8 * 1024 * 1024;
const retryMs = 1_000;

/**
 * Opens the spool and takes it for this process alone. Calls that a dead predecessor left open become `interrupted`,
 * with usage unknown.
 *
 * @throws where another process has it open
 */
export function openSpool(options: SpoolOptions): Spool {
  const { directory, maxBytes = gibibyte, maxFileBytes = 4 * gibibyte } = options;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const db = new DatabaseSync(join(directory, 'spool.sqlite'));
  try {
    prepareDatabase(db, Math.ceil(maxFileBytes / pageBytes));
  } catch (cause) {
    db.close();
    throw new Error(`The spool in ${directory} cannot be opened; is another proxy using it?`, { cause });
  }
  db.exec(`update calls set settled = 1,
    record = json_set(record, '$.status', 'interrupted', '$.error_code', 'process_ended') where settled = 0`);

  const insertIntent = db.prepare('insert into calls (record) values (?)');
  const settleCall = db.prepare('update calls set settled = 1, record = ? where id = ?');
  const insertRating = db.prepare('insert into ratings (record) values (?)');
  const takeRows = {
    calls: db.prepare('select id, record from calls where settled = 1 order by id limit ?'),
    ratings: db.prepare('select id, record from ratings order by id limit ?'),
  };
  const removeRows = {
    calls: db.prepare('delete from calls where id in (select value from json_each(?))'),
    ratings: db.prepare('delete from ratings where id in (select value from json_each(?))'),
  };
  const insertAside = db.prepare('insert into set_aside (kind, record, reason) values (?, ?, ?)');
  const findWaiting = db.prepare(`select record from calls where settled = 1
    and (record ->> '$.request_id' = :id or record ->> '$.response_id' = :id) order by id desc limit 1`);
  // Each call is in it by two ids.
  const recent = new LRUCache<string, RequestReference>({ max: recentReferences * 2 });
  const waiting = db.prepare(`select count(*) as depth, coalesce(sum(length(record)), 0) as bytes
    from (select record from calls union all select record from ratings)`);
  let { depth, bytes } = numbersOf(waiting.get());
  /** Settlements that the volume has refused so far. */
  const unwritten = new Map<number, string>();
  let retryTimer: NodeJS.Timeout | undefined;

  const newest = db.prepare('select record from calls where settled = 1 order by id desc limit ?');

  const remember = (record: RequestRecord) => {
    const reference = referenceOf(record);
    recent.set(record.request_id, reference);
    if (record.response_id !== null) recent.set(record.response_id, reference);
  };

  for (const { record } of newest.all(recentReferences).reverse()) {
    remember(JSON.parse(String(record)) as RequestRecord);
  }

  const write = (handle: number, json: string) => {
    settleCall.run(json, handle);
    depth += 1;
    bytes += json.length;
    spool.onWaiting();
  };
  const writeAgain = () => {
    try {
      for (const [handle, json] of unwritten) {
        write(handle, json);
        unwritten.delete(handle);
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

  const spool: Spool = {
    get depth() {
      return depth;
    },
    onWaiting: () => {},
    begin(intent) {
      if (bytes >= maxBytes) throw new SpoolError('full', `${bytes} bytes wait for the database`);
      try {
        return Number(insertIntent.run(JSON.stringify(intent)).lastInsertRowid);
      } catch (cause) {
        throw new SpoolError('unwritable', 'The intent could not be written', { cause });
      }
    },
    settle(handle, record) {
      const json = JSON.stringify(record);
      remember(record);
      try {
        write(handle, json);
      } catch (error) {
        unwritten.set(handle, json);
        writeLater(error);
      }
    },
    rate(rating) {
      const json = JSON.stringify(rating);
      try {
        insertRating.run(json);
      } catch (cause) {
        throw new SpoolError('unwritable', 'The rating could not be written', { cause });
      }
      depth += 1;
      bytes += json.length;
      spool.onWaiting();
    },
    find(id) {
      const known = recent.get(id);
      if (known || depth <= recentReferences) return known;
      const row = findWaiting.get({ id });
      return typeof row?.record === 'string' ? referenceOf(JSON.parse(row.record) as RequestRecord) : undefined;
    },
    take(table, limit) {
      const rows: SpooledRow[] = [];
      let taken = 0;
      for (const { id, record } of takeRows[table].iterate(limit)) {
        rows.push({ id: Number(id), record: String(record) });
        taken += String(record).length;
        if (taken >= maxBatchBytes) break;
      }
      return rows;
    },
    remove(table, rows) {
      removeRows[table].run(JSON.stringify(rows.map((row) => row.id)));
      depth -= rows.length;
      for (const { record } of rows) bytes -= record.length;
    },
    setAside(table, row, reason) {
      insertAside.run(table, row.record, reason);
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
      db.close();
    },
  };
  return spool;
}

function numbersOf(row: Record<string, unknown> | undefined): { depth: number; bytes: number } {
  return { depth: Number(row?.depth ?? 0), bytes: Number(row?.bytes ?? 0) };
}

function prepareDatabase(db: DatabaseSync, maxPages: number): void {
  db.exec(`
    pragma page_size = ${pageBytes};
    pragma max_page_count = ${maxPages};
    pragma locking_mode = exclusive;
    pragma journal_mode = wal;
    pragma synchronous = normal;
    pragma busy_timeout = 2000;
    create table if not exists calls (id integer primary key autoincrement, settled integer not null default 0, record text not null);
    create table if not exists ratings (id integer primary key autoincrement, record text not null);
    create table if not exists set_aside (id integer primary key autoincrement, kind text not null, record text not null, reason text not null);
  `);
}

function referenceOf(record: RequestRecord): RequestReference {
  return {
    requestId: record.request_id,
    responseId: record.response_id,
    userId: record.user_id,
    apiKeyId: record.api_key_id,
  };
}
