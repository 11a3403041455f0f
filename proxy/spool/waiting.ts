import type { Place } from './segments.ts';
import { type SpoolTable, spoolTables } from './tables.ts';

/**
 * A row that waits for Postgres. Its record is read from the file when it is copied. In memory, the record would
 * outlive the call's other objects, and so take many times its size until it is collected.
 */
export interface WaitingRow {
  readonly place: Place;
  /** Set for a call. */
  readonly requestId: string | undefined;
  /** Arrival order. */
  readonly arrival: number;
}

/** The rows that wait for Postgres, by table and id. */
export interface Waiting {
  /** Number of rows. */
  readonly depth: number;
  readonly bytes: number;
  /** Number of rows of a table. */
  count(table: SpoolTable): number;
  add(table: SpoolTable, id: number, place: Place, requestId: string | undefined): void;
  /** @returns where the row was; undefined where it did not wait */
  remove(table: SpoolTable, id: number): Place | undefined;
  get(table: SpoolTable, id: number): WaitingRow | undefined;
  /** The oldest first. */
  rows(table: SpoolTable): Iterable<[id: number, row: WaitingRow]>;
  /** Finds a settled call. */
  findCall(requestId: string): WaitingRow | undefined;
  /** A mark behind the newest row, for `hasLeft`. */
  mark(): number;
  /** Whether all rows that waited at the mark have left. */
  hasLeft(mark: number): boolean;
}

export function makeWaiting(): Waiting {
  const tables: Readonly<Record<SpoolTable, Map<number, WaitingRow>>> = {
    calls: new Map(),
    pending: new Map(),
    settlements: new Map(),
    resources: new Map(),
    ratings: new Map(),
    blocks: new Map(),
    audit: new Map(),
  };
  const calls = new Map<string, number>();
  let lastArrival = 0;
  let bytes = 0;
  return {
    get depth() {
      return spoolTables.reduce((depth, table) => depth + tables[table].size, 0);
    },
    get bytes() {
      return bytes;
    },
    count: (table) => tables[table].size,
    add(table, id, place, requestId) {
      lastArrival += 1;
      tables[table].set(id, { place, requestId, arrival: lastArrival });
      if (requestId !== undefined) calls.set(requestId, id);
      bytes += place.length;
    },
    remove(table, id) {
      const row = tables[table].get(id);
      if (!row) return undefined;
      tables[table].delete(id);
      if (row.requestId !== undefined) calls.delete(row.requestId);
      bytes -= row.place.length;
      return row.place;
    },
    get: (table, id) => tables[table].get(id),
    rows: (table) => tables[table],
    findCall(requestId) {
      const id = calls.get(requestId) ?? 0;
      return tables.calls.get(id) ?? tables.settlements.get(id);
    },
    mark: () => lastArrival,
    hasLeft: (mark) =>
      spoolTables.every((table) => (tables[table].values().next().value?.arrival ?? Number.POSITIVE_INFINITY) > mark),
  };
}
