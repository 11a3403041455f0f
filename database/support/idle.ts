import type { Queryable } from '../queryable.ts';

/** Few, since the answers of a day wait while its sums change. */
const rowsOfStep = 200;

/**
 * Resolves the active conversations that nobody has continued for `spec.support.resolveAfter`, and tells the webhooks.
 *
 * @param db the owner's connection, or a worker's
 * @param signal aborted where the rest is left to the next time
 * @param onResolved called after each step with how many it has resolved
 */
export async function resolveIdleConversations(
  db: Queryable,
  { signal, onResolved }: { readonly signal?: AbortSignal; readonly onResolved?: (conversations: number) => void } = {},
): Promise<void> {
  for (let resolved = rowsOfStep; resolved >= rowsOfStep && !signal?.aborted; ) {
    resolved = await resolveSome(db, rowsOfStep);
    if (resolved > 0) onResolved?.(resolved);
  }
}

async function resolveSome(db: Queryable, most: number): Promise<number> {
  const { rows } = await db.query<{ resolved: number }>(
    'select chaperone.resolve_idle_conversations($1::integer) as resolved',
    [most],
  );
  return rows[0]?.resolved ?? 0;
}
