import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ObjectPath } from './cluster/object-key.ts';
import type { WorkQueue } from './runtime/work-queue.ts';

/** Identifies a resource's row. */
export interface RowLocation {
  readonly organizationId: string;
  readonly rowId: string;
}

export interface RowReaderOptions<Row, Key extends string> {
  /** Reads those of these rows that are in force, by id. */
  readonly find: (organizationId: string, rowIds: readonly string[]) => Promise<ReadonlyMap<string, Row>>;
  /** Finds the row of the resource with this key. Undefined where it can have none. */
  readonly placeOf: (key: Key) => RowLocation | undefined;
  readonly queue: Pick<WorkQueue<Key>, 'next' | 'lastAddedAtMs'>;
}

export interface RowReader<Row, Key extends string = ObjectPath> {
  /**
   * Call this when a key was taken from the queue.
   *
   * @returns a function that reads the row
   */
  begin(key: Key): (place: RowLocation) => Promise<Row | undefined>;
}

interface Reading<Row> {
  readonly organizationId: string;
  readonly startedAtMs: number;
  readonly rows: Promise<ReadonlyMap<string, Row>>;
}

/** How many rows are read at once. All are in memory, and a row is as large as its resource. */
const maxRows = 50;

/**
 * Reads a row together with those of the next keys in the queue. Otherwise a start and every resync would need one
 * statement per resource.
 *
 * While a key waits, the operator changes its row only if it adds the key again. So a row that was read ahead is still
 * right when the key is taken, unless the key was added again since.
 */
export function makeRowReader<Row, Key extends string = ObjectPath>({
  find,
  placeOf,
  queue,
}: RowReaderOptions<Row, Key>): RowReader<Row, Key> {
  const ahead = new Map<Key, Reading<Row>>();
  /** Reads that are being gathered, by organization: keys that are taken together are read together. */
  const gathering = new Map<string, { readonly rowIds: string[]; readonly rows: Reading<Row>['rows'] }>();

  const isFresh = (key: Key, reading: Reading<Row> | undefined) =>
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
      const others = waitingOf(organizationId, Math.max(0, maxRows - rowIds.length));
      for (const { key } of others) ahead.set(key, { organizationId, startedAtMs, rows });
      return find(organizationId, [...rowIds, ...others.map(({ rowId }) => rowId)]);
    });
    const gathered = { rowIds, rows };
    gathering.set(organizationId, gathered);
    return gathered;
  };
  const read = ({ organizationId, rowId }: RowLocation) => {
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
