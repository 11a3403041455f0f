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
  /** Writes the intent. @returns the handle to settle it with @throws {SpoolFullError} */
  begin(intent: RequestRecord): number;
  /** Replaces the intent by what became of the call. */
  settle(handle: number, record: RequestRecord): void;
  rate(rating: RatingRecord): void;
  /** A call of this proxy by request id or response id: all that wait, and the most recent others. */
  find(id: string): RequestReference | undefined;
  /** The oldest rows that wait, at most `limit`. */
  take(table: SpoolTable, limit: number): SpooledRow[];
  remove(table: SpoolTable, ids: readonly number[]): void;
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

export class SpoolFullError extends Error {
  override readonly name = 'SpoolFullError';
}

export interface SpoolOptions {
  /** On a volume that survives restarts of the container; made where it is missing. */
  readonly directory: string;
  /** How many rows may wait before no further call is let through. */
  readonly maxRows?: number;
}

const recentReferences = 20_000;

/**
 * Opens the spool and takes it for this process alone. Calls that a dead predecessor left open become `interrupted`,
 * with usage unknown.
 *
 * @throws where another process has it open
 */
export function openSpool({ directory, maxRows = 1_000_000 }: SpoolOptions): Spool {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const db = new DatabaseSync(join(directory, 'spool.sqlite'));
  try {
    prepareDatabase(db);
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
  const count = (sql: string) => Number(db.prepare(sql).get()?.count ?? 0);
  let depth = count('select (select count(*) from calls) + (select count(*) from ratings) as count');

  const newest = db.prepare('select record from calls where settled = 1 order by id desc limit ?');

  const remember = (record: RequestRecord) => {
    const reference = referenceOf(record);
    recent.set(record.request_id, reference);
    if (record.response_id !== null) recent.set(record.response_id, reference);
  };

  for (const { record } of newest.all(recentReferences).reverse())
    remember(JSON.parse(String(record)) as RequestRecord);

  return {
    get depth() {
      return depth;
    },
    onWaiting: () => {},
    begin(intent) {
      if (depth >= maxRows) throw new SpoolFullError(`${depth} rows wait for the database`);
      return Number(insertIntent.run(JSON.stringify(intent)).lastInsertRowid);
    },
    settle(handle, record) {
      settleCall.run(JSON.stringify(record), handle);
      depth += 1;
      remember(record);
      this.onWaiting();
    },
    rate(rating) {
      insertRating.run(JSON.stringify(rating));
      depth += 1;
      this.onWaiting();
    },
    find(id) {
      const known = recent.get(id);
      if (known || depth <= recentReferences) return known;
      const row = findWaiting.get({ id });
      return typeof row?.record === 'string' ? referenceOf(JSON.parse(row.record) as RequestRecord) : undefined;
    },
    take: (table, limit) =>
      takeRows[table].all(limit).map(({ id, record }) => ({ id: Number(id), record: String(record) })),
    remove(table, ids) {
      removeRows[table].run(JSON.stringify(ids));
      depth -= ids.length;
    },
    setAside(table, row, reason) {
      insertAside.run(table, row.record, reason);
      this.remove(table, [row.id]);
    },
    oldestAtMs() {
      const [call] = this.take('calls', 1);
      const [rating] = this.take('ratings', 1);
      const times = [
        ...(call ? [(JSON.parse(call.record) as RequestRecord).started_at] : []),
        ...(rating ? [(JSON.parse(rating.record) as RatingRecord).rated_at] : []),
      ];
      return times.length === 0 ? undefined : Math.min(...times.map(Date.parse));
    },
    close: () => db.close(),
  };
}

function prepareDatabase(db: DatabaseSync): void {
  db.exec(`
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
