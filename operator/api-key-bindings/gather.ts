import { createHash } from 'node:crypto';
import type { ApiKeyBinding } from '../../crds/resources.generated.ts';
import type { ApiKeyWrite } from '../../database/api-keys.ts';
import { type Envelope, EnvelopeError } from '../../database/envelope.ts';
import type { Secret } from '../cluster/cluster.ts';
import { isMadeFor, isOperatorMade } from '../cluster/owned.ts';
import { syntheticKeySecretName } from '../credentials.ts';
import type { TenantContext, TenantObject } from '../tenant-kind.ts';
import { type Competition, findCompetition } from './competition.ts';
import { findProviderSecret, readKey, readProviderKey } from './provider-key.ts';

/** The facts for a decision about a binding. */
export interface GatheredBinding {
  readonly binding: ApiKeyBinding;
  readonly hasProvider: boolean;
  /** The provider key. Undefined where the Secret or its key is missing or empty. */
  readonly providerKey: string | undefined;
  /** Whether the operator made the Secret with the provider key. */
  readonly isOperatorsSecret: boolean;
  /**
   * The synthetic key that was handed out. Undefined where its Secret is missing, has another key, or was not made for
   * this binding.
   */
  readonly syntheticKey: string | undefined;
  /** Whether the row is older than the roles of synthetic keys. */
  readonly keepsFormerRoles: boolean;
  readonly competition: Competition;
  readonly stored: (Omit<ApiKeyWrite, 'keySealed'> & { readonly key: string }) | undefined;
}

export function gatherBinding(
  { cluster, tenancies }: TenantContext,
  { resource, namespace, name, tenancy, envelope }: TenantObject<'ApiKeyBinding'>,
  row: ApiKeyWrite | undefined,
  nowMs: number,
): GatheredBinding {
  const { provider } = resource.spec;
  const stored = row && open(row, tenancy.organizationId, envelope);
  const handedOut = cluster.get('Secret', namespace, syntheticKeySecretName(name));
  const syntheticKey = readKey(handedOut?.data['api-key']);
  const providerSecret = findProviderSecret(cluster, resource);
  return {
    binding: resource,
    hasProvider: tenancy.organization.spec.providers.some((candidate) => candidate.name === provider),
    providerKey: readProviderKey(cluster, resource),
    isOperatorsSecret: providerSecret !== undefined && isOperatorMade(providerSecret),
    competition: findCompetition(cluster, tenancy.organization, resource, nowMs, tenancies.operatorNamespace),
    syntheticKey: isHandedOut(handedOut, syntheticKey, row, resource.metadata.uid) ? syntheticKey : undefined,
    keepsFormerRoles: row?.roles === null,
    stored,
  };
}

/**
 * Checks the hash in the database. Where the binding is not in force, it checks the label, since somebody may have put
 * another key there.
 */
function isHandedOut(
  secret: Secret | undefined,
  syntheticKey: string | undefined,
  row: Pick<ApiKeyWrite, 'syntheticKeySha256'> | undefined,
  bindingUid: string,
): boolean {
  if (!secret || syntheticKey === undefined) return false;
  // Even if the row does not open: a row that is sealed again keeps the key that applications have.
  return row ? sha256(syntheticKey).equals(row.syntheticKeySha256) : isMadeFor(secret, bindingUid);
}

export function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function open({ keySealed, ...rest }: ApiKeyWrite, organizationId: string, envelope: Envelope) {
  const syntheticKeySha256 = Buffer.from(rest.syntheticKeySha256);
  // A row sealed with a replaced key is written again.
  if (!envelope.isCurrent(keySealed)) return undefined;
  try {
    const place = { organizationId, column: 'api_keys.key', rowId: rest.apiKeyId };
    return { ...rest, syntheticKeySha256, key: envelope.open(place, keySealed).toString() };
  } catch (error) {
    // A row sealed with lost keys is written again.
    if (error instanceof EnvelopeError) return undefined;
    throw error;
  }
}
