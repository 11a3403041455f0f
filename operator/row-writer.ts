import { DatabaseError } from 'pg';

/** Writes a row. Resolves when it is committed. */
export type WriteRow<Row> = (row: Row) => Promise<void>;

interface Waiting<Row> extends PromiseWithResolvers<void> {
  readonly row: Row;
}

/**
 * Makes a function that writes one row. While a write for an organization is under way, its further rows wait, and are
 * then written together: each commit waits for the disk, locks the organization's version until then, and notifies its
 * proxies. Rows of different organizations do not wait for each other.
 *
 * @param write writes rows of one organization, all or none
 */
export function makeRowWriter<Row extends { readonly organizationId: string }>(
  write: (rows: readonly Row[]) => Promise<void>,
): WriteRow<Row> {
  /** The rows that wait, by organization. An organization is in it while a write is under way. */
  const waiting = new Map<string, Waiting<Row>[]>();

  const writeTogether = async (group: readonly Waiting<Row>[]) => {
    try {
      await write(group.map(({ row }) => row));
      for (const { resolve } of group) resolve();
    } catch (error) {
      // Which row it refused is unknown, so that each is written alone.
      const mayBeOneRow = error instanceof DatabaseError && group.length > 1;
      if (!mayBeOneRow) for (const { reject } of group) reject(error);
      else for (const one of group) await writeTogether([one]);
    }
  };
  const run = async (organizationId: string, first: Waiting<Row>) => {
    let group = [first];
    while (group.length > 0) {
      waiting.set(organizationId, []);
      await writeTogether(group);
      group = waiting.get(organizationId) ?? [];
    }
    waiting.delete(organizationId);
  };

  return (row) => {
    const one = { row, ...Promise.withResolvers<void>() };
    const others = waiting.get(row.organizationId);
    if (others) others.push(one);
    else void run(row.organizationId, one);
    return one.promise;
  };
}
