import { setImmediate as nextTurn } from 'node:timers/promises';
import type { WorkQueue } from './runtime/work-queue.ts';

/** Where a resource's row is. */
export interface RowPlace {
  readonly organizationId: string;
  readonly rowId: string;
}

export interface RowReaderOptions<Row> {
  /** The rows in force among these, by their ids. */
  readonly find: (organizationId: string, rowIds: readonly string[]) => Promise<ReadonlyMap<string, Row>>;
  /** Where the row of the resource with this key is; undefined where it can have none. */
  readonly placeOf: (key: string) => RowPlace | undefined;
  readonly queue: Pick<WorkQueue, 'next' | 'lastAddedAtMs'>;
}

export interface RowReader<Row> {
  /**
   * Called when a key has been taken from the queue.
   *
   * @returns reads its row
   */
  begin(key: string): (place: RowPlace) => Promise<Row | undefined>;
}

interface Reading<Row> {
  readonly organizationId: string;
  readonly startedAtMs: number;
  readonly rows: Promise<ReadonlyMap<string, Row>>;
}

/** A row is as large as its resource, and so many are in memory. */
const mostRows = 50;

/**
 * Reads a row, and with it those of the keys that are taken next: otherwise a start and every resync, which look at all
 * resources, would have as many statements as there are resources.
 *
 * While a key waits, nothing that the operator does changes its row without adding the key again. So what was read ahead
 * is what the row is when the key is taken, unless the key has been added again since.
 */
export function makeRowReader<Row>({ find, placeOf, queue }: RowReaderOptions<Row>): RowReader<Row> {
  const ahead = new Map<string, Reading<Row>>();
  /** What is about to be read, by organization: keys that are taken together are read together. */
  const gathering = new Map<string, { readonly rowIds: string[]; readonly rows: Reading<Row>['rows'] }>();

  const isFresh = (key: string, reading: Reading<Row> | undefined) =>
    reading !== undefined && reading.startedAtMs > (queue.lastAddedAtMs(key) ?? 0);
  const waitingOf = (organizationId: string, most: number) =>
    queue.next(most).flatMap((key) => {
      const place = isFresh(key, ahead.get(key)) ? undefined : placeOf(key);
      return place?.organizationId === organizationId ? [{ key, rowId: place.rowId }] : [];
    });
  const gather = (organizationId: string) => {
    const rowIds: string[] = [];
    const rows = nextTurn().then(() => {
      gathering.delete(organizationId);
      const startedAtMs = performance.now();
      const others = waitingOf(organizationId, Math.max(0, mostRows - rowIds.length));
      for (const { key } of others) ahead.set(key, { organizationId, startedAtMs, rows });
      return find(organizationId, [...rowIds, ...others.map(({ rowId }) => rowId)]);
    });
    const gathered = { rowIds, rows };
    gathering.set(organizationId, gathered);
    return gathered;
  };
  const read = ({ organizationId, rowId }: RowPlace) => {
    const { rowIds, rows } = gathering.get(organizationId) ?? gather(organizationId);
    rowIds.push(rowId);
    return rows;
  };

  return {
    begin(key) {
      const reading = ahead.get(key);
      ahead.delete(key);
      const fresh = isFresh(key, reading) ? reading : undefined;
      return async (place) => {
        const isRead = fresh?.organizationId === place.organizationId;
        const rows = await (isRead ? fresh.rows : read(place));
        return rows.get(place.rowId);
      };
    },
  };
}
