import type { TenantKind } from '../../crds/definition.ts';
import { generateDataKeys, makeEnvelope } from '../../database/envelope.ts';
import type { ResourceOf } from '../../operator/cluster/cluster.ts';
import { pathOf } from '../../operator/cluster/object-key.ts';
import { decideReach } from '../../operator/sharing.ts';
import type { TenantObject } from '../../operator/tenant-kind.ts';
import { makeOrganization } from './memory-cluster.ts';

export const organizationId = 'b9c1f6a0-58a1-4c55-9a6f-0d3f0f4a7c11';
export const rowId = '6f1f0a5e-2f0b-5d59-9df3-1f6a1c0b7a10';

/** The resource as a reconciler has it: of the organization `acme`. */
export function makeTenantObject<K extends TenantKind>(
  resource: ResourceOf<K>,
  organization = makeOrganization('acme', {}, { status: { sharing: 'Declared' } }),
): TenantObject<K> {
  const { namespace = '', name } = resource.metadata;
  const envelope = makeEnvelope(generateDataKeys());
  return {
    resource,
    namespace,
    name,
    path: pathOf(resource.metadata),
    rowId,
    tenancy: { organizationId, organization, envelopeFor: () => envelope },
    reach: decideReach(resource, organization),
    envelope,
  };
}
