import { listOwnedRows, type OwnedRow } from '../database/owned-rows.ts';
import type { TenantKind } from './tenancy.ts';
import type { TenantContext } from './tenant-kind.ts';

/** Takes the row of a resource out of force, with what else was made for it. */
export type RemoveRow = (
  kind: TenantKind,
  organizationId: string,
  rowId: string,
  namespace: string,
  name: string,
) => Promise<unknown>;

/**
 * Takes rows out of force whose resource is not there: somebody took the finalizer away, or a backup brought rows back.
 * Only of organizations that are in this cluster; of the others nothing is known here.
 *
 * @returns the resources that were missing, to be looked at again: one may have come back meanwhile
 */
export async function removeOrphans(
  { cluster, db, tenancies }: TenantContext,
  removeRow: RemoveRow,
): Promise<OwnedRow[]> {
  const orphans: OwnedRow[] = [];
  for (const { metadata } of cluster.list('Organization')) {
    const rows = tenancies.findRows(metadata.name);
    if (!rows) continue;
    for (const row of await listOwnedRows(db, rows.organizationId)) {
      const [namespace = '', name = ''] = row.resource.split('/');
      const owner = cluster.get(row.kind, namespace, name);
      if (owner?.spec.organizationRef.name === metadata.name) continue;
      await removeRow(row.kind, rows.organizationId, row.rowId, namespace, name);
      orphans.push(row);
    }
  }
  return orphans;
}
