import type { Queryable } from '../queryable.ts';
import type { AuditEntry } from './entry.ts';
import { type Login, withPseudonyms } from './pseudonyms.ts';

/**
 * Appends entries to an organization's audit log, in their order. Entries that are there already are left out, so it is
 * safe to send them again.
 *
 * @param login a proxy may append only refusals and what API callers did
 */
export async function appendAudit(
  db: Queryable,
  login: Login,
  organizationId: string,
  entries: readonly AuditEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  const named = entries.map((value) => ({ at: value.at, value }));
  const json = JSON.stringify(await withPseudonyms(db, login, organizationId, named));
  if (login === 'proxy') await db.query('select chaperone.append_audit($1::jsonb)', [json]);
  else await db.query('select chaperone.append_audit_of($1::uuid, $2::jsonb)', [organizationId, json]);
}
