import type { Queryable } from '../queryable.ts';
import { appendAudit } from './append.ts';
import type { ApiEntry, AuditEntry, CallerActor, RefusalEntry } from './entry.ts';

type Unspooled = 'id' | 'at' | 'actor';

/** An entry that waits in a proxy's spool. */
export interface SpooledEntry {
  /** A UUID. */
  readonly entry_id: string;
  /** When it happened; of a refusal, the first one. ISO 8601 in UTC. */
  readonly started_at: string;
  /** Beside the entry, where an erasure finds it. Null: nobody was named. */
  readonly user_external_id: string | null;
  readonly actor: Omit<CallerActor, 'user'>;
  readonly entry: Omit<RefusalEntry, Unspooled> | Omit<ApiEntry, Unspooled>;
}

/**
 * Appends a batch of spooled entries to the audit log. It is safe to send a batch again.
 *
 * @param entriesJson a JSON array of SpooledEntry, as text
 */
export async function insertSpooledEntries(db: Queryable, organizationId: string, entriesJson: string): Promise<void> {
  const spooled: readonly SpooledEntry[] = JSON.parse(entriesJson);
  await appendAudit(db, 'proxy', organizationId, spooled.map(toEntry));
}

function toEntry({ entry_id, started_at, user_external_id, actor, entry }: SpooledEntry): AuditEntry {
  const user = user_external_id === null ? null : { $user: user_external_id };
  return { ...entry, id: entry_id, at: started_at, actor: { user, ...actor } };
}
