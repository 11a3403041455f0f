import { randomUUID } from 'node:crypto';
import { appendAudit } from '../../database/audit/append.ts';
import type { ApiEntry } from '../../database/audit/entry.ts';
import type { Queryable } from '../../database/queryable.ts';
import { toStorable } from '../../database/storable.ts';
import { inTransaction } from '../../database/transaction.ts';
import type { Caller } from '../calls/call.ts';
import type { GovernanceContext } from './context.ts';

/** What the audit log has of a change, beside who made it. */
export type RecordedChange = Pick<ApiEntry, 'action' | 'subject' | 'user' | 'changes'>;

/**
 * Makes a change together with its entry in the audit log: both, or none.
 *
 * @param describe undefined: nothing has changed
 */
export function recorded<T>(
  { inForce, store }: Pick<GovernanceContext, 'inForce' | 'store'>,
  caller: Pick<Caller, 'user' | 'roles' | 'requestId'>,
  work: (db: Queryable) => Promise<T>,
  describe: (result: T) => RecordedChange | undefined,
): Promise<T> {
  const { organizationId } = inForce().snapshot;
  return store.run((db) =>
    inTransaction(db, async () => {
      const result = await work(db);
      const change = describe(result);
      if (change) await appendChange(db, organizationId, caller, change);
      return result;
    }),
  );
}

/** Appends the entry of a change. */
export function appendChange(
  db: Queryable,
  organizationId: string,
  { user, roles, requestId }: Pick<Caller, 'user' | 'roles' | 'requestId'>,
  change: RecordedChange,
): Promise<void> {
  const entry: ApiEntry = {
    ...{ id: randomUUID(), at: new Date().toISOString(), kind: 'api' },
    ...change,
    ...(requestId !== undefined && { requestId }),
    actor: { user: user === undefined ? null : { $user: user }, roles: roles.map(toStorable) },
  };
  return appendAudit(db, 'proxy', organizationId, [entry]);
}
