import type { Organization } from '../../crds/resources.generated.ts';
import { deleteAccounts, listAccounts, upsertAccounts } from '../../database/accounts/accounts.ts';
import { type DataKeySet, makeEnvelope } from '../../database/envelope.ts';
import type { Queryable } from '../../database/queryable.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Verdict } from '../runtime/conditions.ts';
import { decideAccounts } from './decide.ts';
import { judgeAccounts } from './judge.ts';
import { judgeHash } from './secret.ts';

export interface AccountsContext {
  readonly cluster: Pick<Cluster, 'get'>;
  readonly db: Queryable;
  readonly operatorNamespace: string;
}

/**
 * Makes the rows of the accounts that an Organization states.
 *
 * @returns the condition about its accounts; undefined where it never had one
 */
export async function reconcileAccounts(
  { cluster, db, operatorNamespace }: AccountsContext,
  { metadata, spec, status }: Organization,
  organizationId: string,
  dataKeys: DataKeySet,
): Promise<Verdict | undefined> {
  const accounts = (spec.authentication?.accounts ?? []).map((stated) => {
    const { name, key } = stated.passwordHashRef;
    return { stated, judged: judgeHash(cluster.get('Secret', operatorNamespace, name), key, metadata.name) };
  });
  const hadCondition = status?.conditions?.some(({ type }) => type === 'AccountsUsable') ?? false;
  if (accounts.length === 0 && !hadCondition) return undefined;
  const rows = await listAccounts(db, organizationId);
  const { writes, removals } = decideAccounts({ organizationId, accounts, rows }, makeEnvelope(dataKeys));
  if (removals.length > 0) await deleteAccounts(db, organizationId, removals);
  if (writes.length > 0) await upsertAccounts(db, organizationId, writes);
  return judgeAccounts({ organization: metadata.name, operatorNamespace, accounts, hadCondition });
}
