import { customKinds, isCustomKind } from '../../crds/definition.ts';
import { readRecordedResources } from '../../database/audit/resources.ts';
import { pathOf, readPath } from '../cluster/object-key.ts';
import type { TenantContext } from '../tenant-kind.ts';

/** Records the removal of resources that vanished while nobody watched, or that have left for another organization. */
export async function recordRemovals({ cluster, db, tenancies, audit }: TenantContext): Promise<void> {
  for (const { metadata } of cluster.list('Organization')) {
    const rows = tenancies.findRows(metadata.name);
    if (!rows) continue;
    for (const subject of (await readRecordedResources(db, rows.organizationId)).keys()) {
      const [kind = '', ...path] = subject.split('/');
      if (!isCustomKind(kind) || !customKinds.includes(kind)) continue;
      const { namespace, name } = readPath(path.join('/'));
      const resource = cluster.get(kind, namespace, name);
      const organization =
        resource?.kind === 'Organization' ? resource.metadata.name : resource?.spec.organizationRef.name;
      if (organization !== metadata.name) await audit?.gone(rows.organizationId, kind, pathOf({ namespace, name }));
    }
  }
}
