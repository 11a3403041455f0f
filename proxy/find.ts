import { storeUnavailable } from './store.ts';

/**
 * Finds a record by an id from a client: in the spool, else in the database. Records of other proxies arrive in the
 * database a moment after their answers, so it looks there three times, for clients that ask at once.
 *
 * @throws {ProxyError} `store_unavailable` where the database cannot be used
 */
export function makeFind<Found>(
  findHere: (id: string) => Found | undefined,
  findStored: (id: string) => Promise<Found | undefined>,
) {
  return async (id: string): Promise<Found | undefined> => {
    // PostgreSQL cannot compare text with NUL.
    if (id.includes('\0')) return undefined;
    const here = findHere(id);
    if (here) return here;
    try {
      for (const waitMs of [0, 50, 150]) {
        if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
        const stored = await findStored(id);
        if (stored) return stored;
      }
      return undefined;
    } catch (cause) {
      throw storeUnavailable(cause);
    }
  };
}
