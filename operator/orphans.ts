import type { TenantKind } from '../crds/definition.ts';
import { listOwnedRows } from '../database/owned-rows.ts';
import { type ObjectPath, pathOf, readPath } from './cluster/object-key.ts';
import type { TenantContext } from './tenant-kind.ts';

/** Takes a resource's row out of force, with everything that was made for the resource. */
export type RemoveRow = (
  kind: TenantKind,
  organizationId: string,
  rowId: string,
  namespace: string,
  name: string,
) => Promise<unknown>;

/** A resource that does not exist, although it has a row. */
export interface Orphan {
  readonly kind: TenantKind;
  readonly path: ObjectPath;
}

/**
 * Takes rows out of force whose resource does not exist, because somebody removed the finalizer or a backup restored
 * the rows. It covers only organizations of this cluster; nothing is known about others.
 *
 * @returns the missing resources, to reconcile again, since one may have come back meanwhile
 */
export async function removeOrphans(
  { cluster, db, tenancies }: TenantContext,
  removeRow: RemoveRow,
): Promise<Orphan[]> {
  const orphans: Orphan[] = [];
  for (const { metadata } of cluster.list('Organization')) {
    const rows = tenancies.findRows(metadata.name);
    if (!rows) continue;
    for (const row of await listOwnedRows(db, rows.organizationId)) {
      const { namespace, name } = readPath(row.resource);
      const owner = cluster.get(row.kind, namespace, name);
      if (owner?.spec.organizationRef.name === metadata.name) continue;
      await removeRow(row.kind, rows.organizationId, row.rowId, namespace, name);
      orphans.push({ kind: row.kind, path: pathOf({ namespace, name }) });
    }
  }
  return orphans;
}
