import { ProxyError } from './error.ts';

/**
 * Finds what a client names by its id: in the spool, else in the database. Records arrive from other proxies a moment after
 * their answers, so it is looked for there three times: someone who asks at once should not be refused.
 *
 * @throws {ProxyError} `store_unavailable` where the database is away
 */
export function makeFind<Found>(
  findHere: (id: string) => Found | undefined,
  findStored: (id: string) => Promise<Found | undefined>,
) {
  return async (id: string): Promise<Found | undefined> => {
    // No text that PostgreSQL could look for.
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
      throw new ProxyError('store_unavailable', { cause });
    }
  };
}
