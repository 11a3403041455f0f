import { setTimeout as delay, setImmediate } from 'node:timers/promises';
import { DatabaseError } from 'pg';
import type { Logger } from 'pino';
import { insertOwnedResources } from '../../database/owned-resources.ts';
import { insertPendingCalls, markSettled } from '../../database/pending-calls.ts';
import type { Queryable } from '../../database/queryable.ts';
import { insertRatings } from '../../database/ratings.ts';
import { gatherRequests, insertRequests, type RequestRecord } from '../../database/requests.ts';
import type { Store } from '../store.ts';
import type { Spool, SpooledRow } from './spool.ts';
import { type SpoolTable, spoolTables } from './tables.ts';

export interface ShipOptions {
  readonly spool: Spool;
  readonly store: Store;
  /** Makes a further connection, which helps while much waits and is closed then. */
  readonly openStore: () => Store;
  readonly organizationId: string;
  readonly log: Logger;
  /** Told how many rows have reached Postgres, and of each failed attempt. */
  readonly onShipped?: (rows: number) => void;
  /** Told of each call whose end came after its answer, by the first proxy that has its record in Postgres. */
  readonly onSettled?: (record: RequestRecord) => void;
  readonly onFailure?: () => void;
  /** Told of each row that was set aside. */
  readonly onSetAside?: () => void;
}

export interface Shipper {
  /** Resolves when all that waited at the time of the call is in Postgres, or after `timeoutMs`, saying which. */
  flush(timeoutMs: number): Promise<boolean>;
  /** Stops after the batches at hand. What still waits stays in the spool. */
  stop(): Promise<void>;
}

const batchRows = 2_000;
/** To make so many ready takes the event loop a millisecond or two; calls get their turn in between. */
const sliceRows = 100;
/**
 * Lets a batch gather: a record is in Postgres this much later, and a busy proxy makes fewer, larger writes. Who asks for
 * what is in Postgres waits for none to gather (`flush`).
 */
const gatherMs = 50;
const retryMs = { first: 100, last: 2_000 };
/** So many waiting are worth another connection. */
const manyRows = 5 * batchRows;
/** After a further connection could not be had or was lost. */
const helpAgainMs = 60_000;

/** Rows, ready to be sent. */
interface Batch {
  readonly table: SpoolTable;
  readonly rows: readonly SpooledRow[];
  readonly insert: (db: Queryable) => Promise<void>;
}

/** Copies the spool to Postgres in idempotent batches for as long as it runs; the database may come and go. */
export function startShipper(options: ShipOptions): Shipper {
  const { spool, store, organizationId, log } = options;
  let stopped = false;
  let delayMs = retryMs.first;
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;
  let helping: Promise<void> | undefined;
  let helpFromMs = 0;
  let endGathering = () => {};
  /** Rows that are on their way to Postgres. */
  const underWay = new Set<number>();

  const load = async (table: SpoolTable, rows: readonly SpooledRow[]): Promise<Batch> => {
    switch (table) {
      case 'ratings':
        return { table, rows, insert: (db) => insertRatings(db, organizationId, jsonOf(rows)) };
      case 'resources':
        return { table, rows, insert: (db) => insertOwnedResources(db, organizationId, jsonOf(rows)) };
      case 'pending':
        return { table, rows, insert: (db) => insertPendingCalls(db, organizationId, jsonOf(rows)) };
      case 'calls':
      case 'settlements':
        return loadRequests(table, rows);
    }
  };
  const loadRequests = async (table: SpoolTable, rows: readonly SpooledRow[]): Promise<Batch> => {
    const gatherer = gatherRequests();
    for (let at = 0; at < rows.length; at += sliceRows) {
      if (at > 0) await setImmediate();
      gatherer.add(rows.slice(at, at + sliceRows).map(({ record }) => record));
    }
    const batch = gatherer.finish();
    return {
      table,
      rows,
      async insert(db) {
        await insertRequests(db, organizationId, batch);
        if (table === 'settlements') await settle(db, jsonOf(rows));
      },
    };
  };

  /** Of several proxies that saw the same ends, one is the first, and tells of them. */
  const settle = async (db: Queryable, json: string) => {
    const first = await markSettled(db, organizationId, json);
    if (first.size === 0) return;
    for (const record of JSON.parse(json) as RequestRecord[]) {
      if (first.delete(record.request_id)) options.onSettled?.(record);
    }
  };

  /**
   * Halves a batch that Postgres refuses until the one row it refuses is found, so that this row stops no other; and one
   * that takes longer than a statement may, so that it gets through at all.
   */
  const ship = async (db: Queryable, { table, rows, insert }: Batch): Promise<void> => {
    try {
      await insert(db);
      spool.remove(table, rows);
      options.onShipped?.(rows.length);
    } catch (error) {
      if (!isRefusal(error) && !(isTooSlow(error) && rows.length > 1)) throw error;
      const [only] = rows;
      if (rows.length === 1 && only) {
        log.error({ err: error, table }, 'the database refuses a record; it is set aside in the spool');
        spool.setAside(table, only, error.message);
        options.onSetAside?.();
        return;
      }
      const middle = rows.length >> 1;
      await ship(db, await load(table, rows.slice(0, middle)));
      await ship(db, await load(table, rows.slice(middle)));
    }
  };

  /** A batch at a time, so that others get their turn at the connection between two of them. */
  const copyBatch = async (table: SpoolTable, to: Store): Promise<void> => {
    const rows = spool.take(table, batchRows, underWay);
    if (rows.length === 0) return;
    for (const { id } of rows) underWay.add(id);
    try {
      const batch = await load(table, rows);
      await to.run((db) => ship(db, batch));
    } finally {
      for (const { id } of rows) underWay.delete(id);
    }
  };

  /** While records stream in, one full statement costs Postgres less than many small ones. */
  const gather = () =>
    new Promise<void>((resolve) => {
      const gathered = setTimeout(resolve, gatherMs);
      endGathering = () => {
        clearTimeout(gathered);
        resolve();
      };
    });

  const drain = async () => {
    while (spool.depth > 0) {
      if (spool.depth - underWay.size < batchRows) await gather();
      if (stopped) return;
      for (const table of spoolTables) await copyBatch(table, store);
      if (!stopped && spool.depth > manyRows && performance.now() >= helpFromMs) helping ??= help();
    }
  };

  /**
   * Copies calls beside `drain`, as another proxy would: while one connection waits for the disk or for its next batch,
   * Postgres is at the other's. Nothing depends on it: what it had when it failed is taken again.
   */
  const help = async () => {
    const further = options.openStore();
    try {
      // No row is kept waiting for a connection that a pooler or the server has no place for.
      await further.run((db) => db.query('select'));
      while (!stopped && spool.depth - underWay.size > batchRows) await copyBatch('calls', further);
    } catch (error) {
      helpFromMs = performance.now() + helpAgainMs;
      log.warn({ err: error }, 'a further connection cannot help to copy usage; it is copied over the one');
    }
    await further.close();
    helping = undefined;
  };

  const work = async () => {
    let nextMs = 0;
    try {
      await drain();
      delayMs = retryMs.first;
    } catch (error) {
      options.onFailure?.();
      log.warn(
        { err: error, waiting: spool.depth },
        'usage could not be copied to the database; it stays in the spool',
      );
      nextMs = delayMs * (0.5 + Math.random());
      delayMs = Math.min(delayMs * 2, retryMs.last);
    }
    working = undefined;
    if (spool.depth > 0) schedule(nextMs);
  };
  const schedule = (afterMs: number) => {
    if (stopped || working) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      working = work();
    }, afterMs);
  };

  spool.onWaiting = () => schedule(0);
  if (spool.depth > 0) schedule(0);

  return {
    async flush(timeoutMs) {
      const deadline = performance.now() + timeoutMs;
      const mark = spool.mark();
      while (!spool.hasLeft(mark) && performance.now() < deadline) {
        schedule(0);
        endGathering();
        await delay(5);
      }
      return spool.hasLeft(mark);
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      endGathering();
      await Promise.all([working, helping]);
    },
  };
}

const jsonOf = (rows: readonly SpooledRow[]) => `[${rows.map(({ record }) => record).join(',')}]`;

/** The server has ended the statement: `query_canceled`. */
function isTooSlow(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && error.code === '57014';
}

/** Errors of class 22 (data) and 23 (constraint): the same batch will never be accepted. */
function isRefusal(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && /^2[23]/.test(error.code ?? '');
}
