import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { RequestRecord } from '../../database/requests.ts';
import type { Store } from '../store.ts';
import { makeBatch } from './batch.ts';
import { type BatchBuffers, makeBatchBuffers } from './batch-buffers.ts';
import { type GatheringTimes, makeGathering } from './gathering.ts';
import { type InsertOptions, insertBatch } from './insert-batch.ts';
import { maxBatchBytes, type SpooledRow } from './outbox.ts';
import { makeRetries } from './retries.ts';
import { makeSecondConnection } from './second-connection.ts';
import type { Spool } from './spool.ts';
import { type SpoolTable, spoolTables } from './tables.ts';

export interface ShipOptions {
  readonly spool: Spool;
  readonly store: Store;
  /** Opens a second connection. It is used while many calls wait, and closed afterwards. */
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
  /** Called for each row that was set aside because the database refuses it. */
  readonly onSetAside?: () => void;
}

export interface Shipper {
  /**
   * Copies all rows that wait now.
   *
   * @param failingMs how long to wait while copying fails. Absent: as long as otherwise
   * @returns true when they are in Postgres, false after `timeoutMs`
   */
  flush(timeoutMs: number, failingMs?: number): Promise<boolean>;
  /** Sets a row aside that was never in the spool, and that the database refuses. */
  setAside(table: SpoolTable, row: Pick<SpooledRow, 'row' | 'sealed'>, error: Error): void;
  /** Why copying has failed last; undefined where it has succeeded since. */
  failure(): unknown;
  /** Stops after the current batches. Rows that still wait stay in the spool. */
  stop(): Promise<void>;
}

/** A larger batch costs Postgres hardly less for each row. */
const batchRows = 500;
/** So many rows are read in a fraction of a millisecond. Calls get their turn between two slices of a batch. */
const sliceRows = 50;
/**
 * A record arrives in Postgres this much later, and a busy proxy makes fewer, larger writes: while a batch is copied, calls
 * share the processors with Postgres, and a statement costs as much as some 30 rows. A flush does not wait for the batch
 * to fill.
 */
const gatheringTimes: GatheringTimes = { usualMs: 50, busyMs: 250, busyRows: 25, fullRows: batchRows };
/** From how many waiting calls on a second connection is worth opening, and down to how many it helps. */
const secondConnectionRows = { opens: 10_000, helps: 2_000 };

/** Copies the spool to Postgres in idempotent batches until stopped. It survives outages of the database. */
export function startShipper(options: ShipOptions): Shipper {
  const { spool, store, log } = options;
  let stopped = false;
  let failure: unknown;
  const copier = makeCopier(options);
  /** Rows that wait and are not being copied. */
  const untaken = () => spool.depth - copier.underWay();
  const gathering = makeGathering(gatheringTimes, untaken);
  const second = makeSecondConnection({
    openStore: options.openStore,
    copyBatch: (to) => copier.copyBatch('calls', to),
    isNeeded: () => !stopped && spool.callsDepth - copier.underWay() > secondConnectionRows.helps,
    log,
  });

  const drain = async () => {
    while (spool.depth > 0) {
      if (untaken() < batchRows) await gathering.wait();
      if (stopped) return;
      // A pending call comes before its settlement: all that wait, and no settlement of one that came meanwhile.
      const mark = spool.mark();
      for (const table of spoolTables) {
        const copy = () => copier.copyBatch(table, store, table === 'settlements' ? mark : undefined);
        let copied = await copy();
        while (table === 'pending' && copied > 0) copied = await copy();
      }
      failure = undefined;
      if (!stopped && spool.callsDepth > secondConnectionRows.opens) second.help();
    }
  };
  const retries = makeRetries(
    drain,
    () => spool.depth > 0,
    (error) => {
      failure = error;
      options.onFailure?.();
      log.warn({ err: error, waiting: spool.depth }, 'cannot copy usage to the database; it stays in the spool');
    },
  );

  spool.onWaiting = retries.start;
  if (spool.depth > 0) retries.start();

  return {
    setAside(table, row, error) {
      noteRefused(options, table, error);
      spool.keepAside(table, row, error.message);
      options.onSetAside?.();
    },
    failure: () => failure,
    async flush(timeoutMs, failingMs = timeoutMs) {
      const startedTicks = performance.now();
      const mark = spool.mark();
      const isInTime = () => performance.now() - startedTicks < (failure === undefined ? timeoutMs : failingMs);
      while (!spool.hasLeft(mark) && isInTime()) {
        retries.start();
        gathering.end();
        await delay(5);
      }
      return spool.hasLeft(mark);
    },
    async stop() {
      stopped = true;
      gathering.end();
      await Promise.all([retries.stop(), second.closed()]);
    },
  };
}

function noteRefused({ log }: ShipOptions, table: SpoolTable, error: Error): void {
  log.error({ err: error, table }, 'the database refused a record; it was set aside beside the spool');
}

/** Copies one batch at a time, so that other work gets its turn on the connection between two batches. */
function makeCopier(options: ShipOptions) {
  const { spool, organizationId, onSettled, onShipped, onSetAside } = options;
  /** Rows that are being copied. */
  const underWay = new Set<number>();
  /** The buffers of the last batch. They are kept after a success: after a failure, somebody may still read them. */
  let kept: BatchBuffers | undefined;
  const inserting: Omit<InsertOptions, 'makeBatch'> = {
    onInserted(table, rows) {
      spool.remove(table, rows);
      onShipped?.(rows.length);
    },
    onRefused(table, row, error) {
      noteRefused(options, table, error);
      spool.setAside(table, row, error.message);
      onSetAside?.();
    },
  };
  /** Adds the oldest rows to a batch, a few in each turn of the event loop. */
  const fill = async (rows: SpooledRow[], table: SpoolTable, buffers: BatchBuffers, mark?: number) => {
    let bytes = 0;
    while (rows.length < batchRows && bytes < maxBatchBytes) {
      const slice = takeAfter(rows, () =>
        spool.take(table, sliceRows, underWay, buffers.rows(rows.length / sliceRows), mark),
      );
      for (const { id, row, sealed } of slice) {
        underWay.add(id);
        bytes += row.length + sealed.length;
      }
      rows.push(...slice);
      if (slice.length < sliceRows) return;
      await nextTurn();
    }
  };
  return {
    /** How many rows are being copied. */
    underWay: () => underWay.size,
    /**
     * @param mark only rows that waited at this mark. Absent: all that wait
     * @returns how many there were
     */
    async copyBatch(table: SpoolTable, to: Store, mark?: number): Promise<number> {
      const buffers = kept ?? makeBatchBuffers();
      kept = undefined;
      const rows: SpooledRow[] = [];
      const load: InsertOptions['makeBatch'] = (of, some) =>
        makeBatch({ organizationId, memory: buffers, onSettled }, of, some);
      try {
        await fill(rows, table, buffers, mark);
        if (rows.length > 0) {
          const batch = await load(table, rows);
          await to.run((db) => insertBatch({ ...inserting, makeBatch: load }, db, batch));
        }
        kept = buffers;
        return rows.length;
      } finally {
        for (const { id } of rows) underWay.delete(id);
      }
    },
  };
}

/** Takes rows after others. A row that cannot be read is left to the next batch, where it is the first. */
function takeAfter(others: readonly SpooledRow[], take: () => SpooledRow[]): SpooledRow[] {
  try {
    return take();
  } catch (error) {
    if (others.length === 0) throw error;
    return [];
  }
}
