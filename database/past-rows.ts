import type { Queryable } from './queryable.ts';

/** What no longer counts after some time, as `chaperone.delete_past_rows` names it. */
export const pastRows = [
  'analysis results',
  'conversation analyses',
  'text batches',
  'mappings',
  'live events',
  'answers',
  'revocations',
  'counters',
  'warnings',
  'pauses',
  'bounds',
  'deliveries',
  'vectors',
  'calls of jobs',
  'idempotent answers',
  'logins',
  'quotes',
] as const;

export type PastRows = (typeof pastRows)[number];

/** Deletes all of it. One that fails does not affect the others. */
export async function deleteAllPast(db: Queryable, onFailure: (what: PastRows, error: unknown) => void): Promise<void> {
  for (const what of pastRows) await deletePast(db, what).catch((error: unknown) => onFailure(what, error));
}

/**
 * Deletes what no longer counts, of all organizations.
 *
 * @param db the owner's connection, or a worker's
 * @returns how many rows went, where that is known
 */
export async function deletePast(db: Queryable, what: PastRows): Promise<number> {
  const { rows } = await db.query<{ gone: string }>('select chaperone.delete_past_rows($1::text) as gone', [what]);
  return Number(rows[0]?.gone ?? 0);
}
