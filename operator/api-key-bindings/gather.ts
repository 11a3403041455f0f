import { createHash } from 'node:crypto';
import type { ApiKeyBinding } from '../../crds/resources.generated.ts';
import type { ApiKeyWrite } from '../../database/api-keys.ts';
import { EnvelopeError } from '../../database/envelope.ts';
import type { Secret } from '../cluster/cluster.ts';
import { isMadeFor, isOperators } from '../cluster/owned.ts';
import { syntheticKeySecretName } from '../credentials.ts';
import type { TenantContext, TenantObject } from '../tenant-kind.ts';

/** Everything a decision about a binding rests on. */
export interface GatheredBinding {
  readonly binding: ApiKeyBinding;
  readonly hasProvider: boolean;
  /** The provider's key; undefined where the Secret or its key is missing or empty. */
  readonly providerKey: string | undefined;
  /** Whether the Secret with the provider's key is one that the operator made. */
  readonly isOperatorsSecret: boolean;
  /**
   * The synthetic key that was handed out; undefined where its Secret is missing, is not what was handed out, or was not made
   * for this binding.
   */
  readonly syntheticKey: string | undefined;
  /** Whether the row is of the time before synthetic keys had roles of their own. */
  readonly keepsFormerRoles: boolean;
  readonly stored: (Omit<ApiKeyWrite, 'keySealed'> & { readonly key: string }) | undefined;
}

export function gatherBinding(
  { cluster }: TenantContext,
  { resource, namespace, name, tenancy }: TenantObject<'ApiKeyBinding'>,
  row: ApiKeyWrite | undefined,
): GatheredBinding {
  const { secretKeyRef, provider } = resource.spec;
  const stored = row && open(row, tenancy);
  const handedOut = cluster.get('Secret', namespace, syntheticKeySecretName(name));
  const syntheticKey = readKey(handedOut?.data['api-key']);
  const providerSecret = cluster.get('Secret', namespace, secretKeyRef.name);
  return {
    binding: resource,
    hasProvider: tenancy.organization.spec.providers.some((candidate) => candidate.name === provider),
    providerKey: readKey(providerSecret?.data[secretKeyRef.key]),
    isOperatorsSecret: providerSecret !== undefined && isOperators(providerSecret),
    syntheticKey: isHandedOut(handedOut, syntheticKey, stored, resource.metadata.uid) ? syntheticKey : undefined,
    keepsFormerRoles: row?.roles === null,
    stored,
  };
}

/** By its hash in the database. Where the binding is not in force, by the label: somebody may have put a key of theirs there. */
function isHandedOut(
  secret: Secret | undefined,
  syntheticKey: string | undefined,
  stored: GatheredBinding['stored'],
  bindingUid: string,
): boolean {
  if (!secret || syntheticKey === undefined) return false;
  return stored ? sha256(syntheticKey).equals(stored.syntheticKeySha256) : isMadeFor(secret, bindingUid);
}

export function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** A key as text, without blanks around it; undefined where there is none. */
export function readKey(value: Uint8Array | undefined): string | undefined {
  const text = value === undefined ? '' : Buffer.from(value).toString('utf8').trim();
  return text === '' ? undefined : text;
}

function open(
  { keySealed, ...rest }: ApiKeyWrite,
  { organizationId, envelope }: TenantObject<'ApiKeyBinding'>['tenancy'],
) {
  const syntheticKeySha256 = Buffer.from(rest.syntheticKeySha256);
  // Sealed with a key that has been replaced: written anew.
  if (!envelope.isCurrent(keySealed)) return undefined;
  try {
    const place = { organizationId, column: 'api_keys.key', rowId: rest.apiKeyId };
    return { ...rest, syntheticKeySha256, key: envelope.open(place, keySealed).toString() };
  } catch (error) {
    // Sealed with keys that are lost: written anew.
    if (error instanceof EnvelopeError) return undefined;
    throw error;
  }
}
