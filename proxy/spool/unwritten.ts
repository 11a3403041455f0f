/** Rows that the volume has refused so far. They are kept in memory and tried again until they are written. */
export interface Unwritten<Row> {
  add(id: number, row: Row, error: unknown): void;
  values(): IteratorObject<Row>;
  size(): number;
  close(): void;
}

const retryMs = 1_000;

/**
 * @param write writes one row, so that a row that fits does not wait for one that does not; throws where it is refused
 * @param onFailure is called with the reason of each refusal
 */
export function makeUnwritten<Row>(
  write: (id: number, row: Row) => void,
  onFailure: ((error: unknown) => void) | undefined,
): Unwritten<Row> {
  const rows = new Map<number, Row>();
  let timer: NodeJS.Timeout | undefined;
  const failed = (error: unknown) => {
    onFailure?.(error);
    timer ??= setTimeout(retry, retryMs);
  };
  const retry = () => {
    timer = undefined;
    try {
      for (const [id, row] of rows) {
        write(id, row);
        rows.delete(id);
      }
    } catch (error) {
      failed(error);
    }
  };
  return {
    add(id, row, error) {
      rows.set(id, row);
      failed(error);
    },
    values: () => rows.values(),
    size: () => rows.size,
    close: () => clearTimeout(timer),
  };
}
