import type { ChainedEntry } from '../../database/audit/chain.ts';
import { findPseudonym } from '../../database/audit/pseudonyms.ts';
import { type AuditFilter, listAudit, readPeople } from '../../database/audit/read.ts';
import { showEntries } from '../../database/audit/show.ts';
import { toStorable } from '../../database/storable.ts';
import type { Caller } from '../calls/call.ts';
import type { GovernanceContext } from './context.ts';
import { readMoment } from './moment.ts';
import type { Listed, Page } from './page.ts';
import { admitRole } from './roles.ts';

/** Which entries are asked for. Absent: all. */
export interface AuditQuestion {
  /** A moment, RFC 3339. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly kind?: string | undefined;
  readonly code?: string | undefined;
  /** A user's id, or a field manager. */
  readonly actor?: string | undefined;
  readonly subject?: string | undefined;
}

/** An entry as the log has it, and with its users' ids in place of their pseudonyms. */
export interface ShownEntry extends ChainedEntry {
  readonly fields: Readonly<Record<string, unknown>>;
}

/**
 * Lists entries of the audit log, the newest first, for an admin. What this proxy has refused is among them.
 *
 * @throws {ProxyError} `role_required`, `invalid_request`, `store_unavailable`
 */
export async function listEntries(
  { inForce, shipped, store }: Pick<GovernanceContext, 'inForce' | 'shipped' | 'store'>,
  caller: Caller,
  { actor, ...question }: AuditQuestion,
  page: Page,
): Promise<Listed<ShownEntry>> {
  admitRole(caller, 'admin');
  const { organizationId } = inForce().snapshot;
  const filter: AuditFilter = {
    since: readMoment('since', question.since),
    until: readMoment('until', question.until),
    kind: question.kind ?? null,
    code: question.code ?? null,
    subject: question.subject === undefined ? null : toStorable(question.subject),
    actor: null,
  };
  await shipped();
  return store.run(async (db) => {
    const person = actor === undefined ? undefined : await findPseudonym(db, organizationId, actor);
    const named = actor === undefined ? null : (person ?? toStorable(actor));
    const { entries, total } = await listAudit(db, organizationId, { ...filter, actor: named }, page);
    const items = await showEntries(entries, (people) => readPeople(db, organizationId, people));
    return { items, total };
  });
}
