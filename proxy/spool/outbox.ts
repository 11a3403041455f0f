import type { ReusedBytes } from '../../database/reused-bytes.ts';
import { emptyBytes } from './frame.ts';
import type { Intents } from './intents.ts';
import type { Reserve } from './reserve.ts';
import { type Place, type Segments, UnreadableError } from './segments.ts';
import type { SetAside } from './set-aside.ts';
import { happenedAtMs, type SpoolTable, spoolTables } from './tables.ts';
import type { Waiting } from './waiting.ts';
import type { Writer } from './writer.ts';

/** A row that waits to be copied to Postgres. */
export interface SpooledRow {
  readonly id: number;
  /** JSON text of a record of the row's table; of a call that was settled in time, its line (database/request-lines.ts). */
  readonly row: Buffer;
  /** The sealed contents of a call. Empty where it has none. */
  readonly sealed: Buffer;
}

/** The side of the spool from which rows are copied to Postgres. */
export interface Outbox {
  /**
   * Takes the oldest waiting rows that are not in `taken`: at most `limit`, and hardly more than a megabyte. A row that is
   * damaged in its file is set aside without its record.
   *
   * @param memory holds the rows until its next use; absent: memory of their own
   * @param mark only rows that waited at this mark (`Waiting.mark`); absent: all
   */
  take(
    table: SpoolTable,
    limit: number,
    taken?: ReadonlySet<number>,
    memory?: ReusedBytes,
    mark?: number,
  ): SpooledRow[];
  remove(table: SpoolTable, rows: readonly SpooledRow[]): void;
  /** Sets a row aside that Postgres will never accept, for a person to inspect. */
  setAside(table: SpoolTable, row: SpooledRow, reason: string): void;
  /** Keeps a row with those that were set aside. It was never in the spool. */
  keepAside(table: SpoolTable, row: Pick<SpooledRow, 'row' | 'sealed'>, reason: string): void;
  /** Time of the oldest waiting record, in milliseconds since 1970. Undefined where no readable row waits. */
  oldestAtMs(): number | undefined;
}

export interface OutboxOptions {
  readonly segments: Segments;
  readonly waiting: Waiting;
  readonly intents: Intents;
  readonly writer: Pick<Writer, 'noteArrival'>;
  readonly aside: SetAside;
  readonly reserve: Pick<Reserve, 'isGivenUp'>;
  /** Called for each row that was set aside because it is damaged. */
  readonly onUnreadable?: ((table: SpoolTable, error: UnreadableError) => void) | undefined;
  /** From this size on, a file in which only intents are held is left by them; any file where the volume is full. */
  readonly compactBytes: number;
}

export const maxBatchBytes = 1024 * 1024;

export function makeOutbox(options: OutboxOptions): Outbox {
  const { segments, waiting, intents, writer, aside, reserve, compactBytes } = options;
  const take: Outbox['take'] = (table, limit, taken, memory, mark = Number.POSITIVE_INFINITY) => {
    const places: Place[] = [];
    let first: number | undefined;
    let length = 0;
    for (const [id, { place, arrival }] of waiting.rows(table)) {
      if (places.length >= limit || length >= maxBatchBytes || arrival > mark) break;
      if (taken?.has(id)) continue;
      first ??= id;
      places.push(place);
      length += place.length;
    }
    try {
      return segments.read(places, memory);
    } catch (error) {
      if (!(error instanceof UnreadableError) || first === undefined) throw error;
      setAside(table, { id: first, row: emptyBytes, sealed: emptyBytes }, error.message);
      options.onUnreadable?.(table, error);
      return take(table, limit, taken, memory, mark);
    }
  };
  const remove: Outbox['remove'] = (table, rows) => {
    const ids = rows.map((row) => row.id);
    const places = ids.flatMap((id) => waiting.remove(table, id) ?? []);
    for (const place of places) segments.release(place);
    if (places.some(segments.isKept)) writer.noteArrival(ids);
    if (waiting.depth > 0 || intents.size === 0 || segments.current.size === 0) return;
    if (segments.current.size < compactBytes && !reserve.isGivenUp()) return;
    segments.rotate();
    intents.follow(segments.current.segment);
  };
  const setAside: Outbox['setAside'] = (table, row, reason) => {
    aside.append(table, row, reason);
    remove(table, [row]);
  };
  return {
    take,
    remove,
    setAside,
    keepAside: aside.append,
    oldestAtMs() {
      const times = spoolTables.flatMap((table) => {
        try {
          return take(table, 1).map(({ row }) => happenedAtMs(table, String(row)));
        } catch {
          // The shipper reports that the volume cannot be read.
          return [];
        }
      });
      return times.length === 0 ? undefined : Math.min(...times);
    },
  };
}
