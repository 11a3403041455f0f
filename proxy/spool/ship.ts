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
  /** Opens a second connection. It is used while many rows wait, and closed afterwards. */
  readonly openStore: () => Store;
  readonly organizationId: string;
  readonly log: Logger;
  /** Called with the number of rows that have arrived in Postgres. */
  readonly onShipped?: (rows: number) => void;
  /**
   * Called for each pending call that was settled. Of all proxies, only the one whose settlement reached Postgres first
   * calls it.
   */
  readonly onSettled?: (record: RequestRecord) => void;
  readonly onFailure?: () => void;
  /** Called for each row that was set aside. */
  readonly onSetAside?: () => void;
}

export interface Shipper {
  /** Copies all rows that wait now. @returns true when they are in Postgres, false after `timeoutMs` */
  flush(timeoutMs: number): Promise<boolean>;
  /** Stops after the current batches. Rows that still wait stay in the spool. */
  stop(): Promise<void>;
}

const batchRows = 2_000;
/**
 * Preparing this many rows blocks the event loop for one or two milliseconds. Calls get their turn between two slices.
 */
const sliceRows = 100;
/**
 * How long a batch gathers. A record arrives in Postgres this much later, and a busy proxy makes fewer, larger writes.
 * A flush does not wait for the batch to fill.
 */
const gatherMs = 50;
const retryMs = { first: 100, last: 2_000 };
/** From this many waiting rows on, a second connection is worth opening. */
const secondConnectionRows = 5 * batchRows;
/** Pause after the second connection failed. */
const secondConnectionPauseMs = 60_000;

/** Rows that are ready to send. */
interface Batch {
  readonly table: SpoolTable;
  readonly rows: readonly SpooledRow[];
  readonly insert: (db: Queryable) => Promise<void>;
}

/** Copies the spool to Postgres in idempotent batches until stopped. It survives outages of the database. */
export function startShipper(options: ShipOptions): Shipper {
  const { spool, store, organizationId, log } = options;
  let stopped = false;
  let delayMs = retryMs.first;
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;
  let helping: Promise<void> | undefined;
  let helpFromMs = 0;
  let endGathering = () => {};
  /** Rows that are being copied. */
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
    const gatherer = gatherRequests(rows);
    for (let at = 0; at < rows.length; at += sliceRows) {
      if (at > 0) await setImmediate();
      gatherer.add(rows.slice(at, at + sliceRows));
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

  /** Several proxies may have seen the same call end. Only the first to mark it reports it. */
  const settle = async (db: Queryable, json: string) => {
    const first = await markSettled(db, organizationId, json);
    if (first.size === 0) return;
    for (const record of JSON.parse(json) as RequestRecord[]) {
      if (first.delete(record.request_id)) options.onSettled?.(record);
    }
  };

  /**
   * Halves a batch that Postgres refuses until it finds the refused row, so that this row blocks no other. It also
   * halves a batch that exceeds the statement timeout, so that its rows arrive at all.
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
        log.error({ err: error, table }, 'the database refused a record; it was set aside beside the spool');
        spool.setAside(table, only, error.message);
        options.onSetAside?.();
        return;
      }
      const middle = rows.length >> 1;
      await ship(db, await load(table, rows.slice(0, middle)));
      await ship(db, await load(table, rows.slice(middle)));
    }
  };

  /** Copies one batch, so that other work gets its turn on the connection between two batches. */
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

  /**
   * Waits for a batch to gather: while records stream in, one full statement costs Postgres less than many small ones.
   */
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
      if (!stopped && spool.depth > secondConnectionRows && performance.now() >= helpFromMs)
        helping ??= copyOnSecondConnection();
    }
  };

  /**
   * Copies calls on a second connection beside `drain`: while one connection waits for the disk or for its next batch,
   * Postgres works on the other's. It may fail: `drain` then takes its rows again.
   */
  const copyOnSecondConnection = async () => {
    const second = options.openStore();
    try {
      // Connect before taking rows: a pooler or the server may have no free connection.
      await second.run((db) => db.query('select'));
      while (!stopped && spool.depth - underWay.size > batchRows) await copyBatch('calls', second);
    } catch (error) {
      helpFromMs = performance.now() + secondConnectionPauseMs;
      log.warn({ err: error }, 'the second connection for copying usage failed; the first goes on alone');
    }
    await second.close();
    helping = undefined;
  };

  const work = async () => {
    let nextMs = 0;
    try {
      await drain();
      delayMs = retryMs.first;
    } catch (error) {
      options.onFailure?.();
      log.warn({ err: error, waiting: spool.depth }, 'cannot copy usage to the database; it stays in the spool');
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

const jsonOf = (rows: readonly SpooledRow[]) => `[${rows.map(({ row }) => row.toString('utf8')).join(',')}]`;

/** The server canceled the statement: `query_canceled`. */
function isTooSlow(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && error.code === '57014';
}

/** Errors of class 22 (data) and 23 (constraint): the same batch will never be accepted. */
function isRefusal(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && /^2[23]/.test(error.code ?? '');
}
