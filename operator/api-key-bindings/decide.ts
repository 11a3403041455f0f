import { isDeepStrictEqual } from 'node:util';
import { bindingRulesOf } from '../../crds/binding-rules.ts';
import type { ApiKeyBinding } from '../../crds/resources.generated.ts';
import type { ApiKeyWrite } from '../../database/api-keys.ts';
import { modelRefused, refusesModel } from '../model-rule.ts';
import type { Verdict } from '../runtime/conditions.ts';
import { holdsFormerRules } from '../sharing.ts';
import { inactive, notReady, ready, type TenantObject } from '../tenant-kind.ts';
import { type GatheredBinding, sha256 } from './gather.ts';
import { whyNoProviderKey } from './provider-key.ts';
import { decideRoles } from './roles.ts';

export type ApiKeyRow = Omit<ApiKeyWrite, 'keySealed' | 'syntheticKeySha256'> & {
  readonly key: string;
  readonly syntheticKeySha256: Buffer;
};

export type BindingDecision =
  /** Nothing may be in force: the key or the consent is gone, or another binding is in force. */
  | {
      readonly action: 'withdraw';
      readonly verdict: Verdict;
      /** When a competing binding expires. */
      readonly requeueAfterMs?: number | undefined;
    }
  | {
      readonly action: 'apply';
      /** The row to write. Undefined where the row in force is right. */
      readonly write: ApiKeyRow | undefined;
      readonly syntheticKey: string;
      readonly fingerprint: string;
      readonly verdict: Verdict;
      /** When the key expires, or an older binding for the same calls. */
      readonly requeueAfterMs: number | undefined;
    };

/** No event tells when another owner's Secret is gone, or a quota was raised. */
const handOutRetryMs = 10_000;

/** setTimeout's limit. A key that expires later is checked again then. */
const maxDelayMs = 2 ** 31 - 1;

/**
 * Decides what to do about a binding.
 *
 * @param freshSyntheticKey is handed out where there is none yet, or it was lost
 */
export function decideBinding(
  gathered: GatheredBinding,
  object: TenantObject<'ApiKeyBinding'>,
  freshSyntheticKey: string,
  nowMs: number,
): BindingDecision {
  const { binding, providerKey, stored } = gathered;
  const { spec } = binding;
  const organization = object.tenancy.organization.metadata.name;
  if (object.reach.refusal) return { action: 'withdraw', verdict: object.reach.refusal };
  if (!gathered.hasProvider) {
    const message = `Organization "${organization}" has no provider "${spec.provider}"; correct spec.provider or add it there.`;
    return { action: 'withdraw', verdict: notReady('ProviderNotFound', message) };
  }
  if (gathered.isOperatorsSecret) {
    const message = `The operator made Secret "${spec.secretKeyRef.name}", so it has no provider's key, and would be sent to a provider. Name a Secret of your own in spec.secretKeyRef. Until then, no call uses this binding.`;
    return { action: 'withdraw', verdict: notReady('SecretNotPermitted', message) };
  }
  if (providerKey === undefined) {
    const { name, key } = spec.secretKeyRef;
    const message = `There is no Secret "${name}" with a key "${key}", or the key is empty. Create it. Until then, no call uses this binding.`;
    return { action: 'withdraw', verdict: notReady('SecretNotFound', message) };
  }
  const whyNot = whyNoProviderKey(providerKey);
  if (whyNot !== undefined) {
    const { name, key } = spec.secretKeyRef;
    const message = `The value of key "${key}" in Secret "${name}" cannot be a provider's key: ${whyNot}. Until it is corrected, no call uses this binding.`;
    return { action: 'withdraw', verdict: notReady('SecretInvalid', message) };
  }
  const { rival, nextExpiryMs } = gathered.competition;
  const remainingMs = remainingMsOf(spec.expiresAt, nowMs);
  const isWanted = spec.active && (remainingMs === undefined || remainingMs > 0);
  if (rival && isWanted && !holdsFormerRules(object.tenancy.organization)) {
    const verdict = notReady('Competing', describeRival(rival, object));
    return { action: 'withdraw', verdict, requeueAfterMs: earliest(nextExpiryMs) };
  }
  const syntheticKey = gathered.syntheticKey ?? freshSyntheticKey;
  const fingerprint = sha256(providerKey).toString('hex').slice(0, 16);
  const expiresAt = spec.expiresAt === undefined ? null : new Date(spec.expiresAt);
  const { roles, problem } = decideRoles(binding, object.tenancy.organization, gathered.keepsFormerRoles);
  const row: ApiKeyRow = {
    organizationId: object.tenancy.organizationId,
    apiKeyId: object.rowId,
    resource: object.path,
    servesNamespace: object.reach.servesNamespace,
    provider: spec.provider,
    userExternalId: spec.user ?? null,
    models: spec.models ?? null,
    fingerprint,
    isActive: spec.active,
    expiresAt,
    key: providerKey,
    syntheticKeySha256: sha256(syntheticKey),
    roles,
    rules: bindingRulesOf(spec),
  };
  const verdict = judge(object, remainingMs);
  return {
    action: 'apply',
    write: isDeepStrictEqual(row, stored) ? undefined : row,
    syntheticKey,
    fingerprint,
    verdict: verdict.status ? (problem ?? withFormerRoles(verdict, roles)) : verdict,
    requeueAfterMs: earliest(remainingMs, nextExpiryMs),
  };
}

/** Adds to the verdict what a binding should state that is older than the roles of synthetic keys. */
function withFormerRoles(verdict: Verdict, roles: readonly string[] | null): Verdict {
  if (roles !== null) return verdict;
  const message = `${verdict.message} Calls with its synthetic key still have the Organization's spec.authentication.defaultRoles: state spec.roles; [member] is what new bindings have.`;
  return { ...verdict, reason: 'FormerRoles', message };
}

/**
 * Adapts a decision where the synthetic key could not be handed out. The provider key stays in force, for calls with a
 * token. The row is not written again with each attempt, since nobody has the new synthetic key.
 *
 * @param problem why the Secret could not be written
 */
export function withoutHandOut(
  decision: Extract<BindingDecision, { action: 'apply' }>,
  { stored }: GatheredBinding,
  problem: Verdict,
): Extract<BindingDecision, { action: 'apply' }> {
  const { write, verdict } = decision;
  const isSame = stored && isDeepStrictEqual({ ...write, syntheticKeySha256: stored.syntheticKeySha256 }, stored);
  return {
    ...decision,
    write: isSame ? undefined : write,
    verdict: verdict.status ? problem : verdict,
    requeueAfterMs: Math.min(handOutRetryMs, decision.requeueAfterMs ?? handOutRetryMs),
  };
}

/** Why a synthetic key could not be handed out. @param isTaken whether a Secret of that name has another owner */
export function judgeHandOut(secretName: string, isTaken: boolean, reason: string): Verdict {
  return isTaken
    ? notReady(
        'SyntheticKeySecretTaken',
        `Applications get no synthetic key: Secret "${secretName}" belongs to somebody else, so the operator does not change it. Rename or delete it, or give the binding another name.`,
      )
    : notReady('SyntheticKeySecretRefused', `Applications get no synthetic key: ${reason}`);
}

/**
 * Tells a binding that is older than `spec.sharing` about one that it will compete with.
 *
 * @returns undefined where there is none
 */
export function foretellRival(
  { competition: { rival } }: GatheredBinding,
  object: TenantObject<'ApiKeyBinding'>,
): Verdict | undefined {
  const { reach, tenancy } = object;
  if (!rival || !reach.consent.status || !holdsFormerRules(tenancy.organization)) return undefined;
  const message = `When Organization "${tenancy.organization.metadata.name}" sets spec.sharing, this binding will not be in force: ${describeRival(rival, object)}`;
  return { type: 'Consent', status: false, reason: 'WillCompete', message };
}

function describeRival({ metadata, spec }: ApiKeyBinding, { resource }: TenantObject<'ApiKeyBinding'>): string {
  const whose = spec.user === undefined ? 'everyone' : `user "${spec.user}"`;
  const models = resource.spec.models === undefined && spec.models === undefined ? '' : ', for models that both name';
  return `ApiKeyBinding ${metadata.namespace}/${metadata.name} is older and serves the same calls: those of ${whose} to provider "${spec.provider}"${models}. Delete one of the two, or give each its own models.`;
}

/** The earliest of the moments that are still ahead. */
function earliest(...moments: readonly (number | undefined)[]): number | undefined {
  const ahead = moments.filter((moment) => moment !== undefined).filter((moment) => moment > 0);
  return ahead.length === 0 ? undefined : Math.min(...ahead, maxDelayMs);
}

function remainingMsOf(expiresAt: string | undefined, nowMs: number): number | undefined {
  return expiresAt === undefined ? undefined : Date.parse(expiresAt) - nowMs;
}

function judge(
  { resource: { spec }, reach, tenancy }: TenantObject<'ApiKeyBinding'>,
  remainingMs: number | undefined,
): Verdict {
  const { active, expiresAt, models = [] } = spec;
  if (remainingMs !== undefined && remainingMs <= 0) {
    return notReady(
      'Expired',
      `The binding expired at ${expiresAt}; renew the key and spec.expiresAt, or delete the binding.`,
    );
  }
  if (!active) return inactive('No call uses the key');
  const [model] = models;
  if (model !== undefined && models.every((one) => refusesModel(tenancy.organization.spec, one))) {
    return modelRefused('spec.models', model, tenancy.organization, 'No call uses the key');
  }
  return reach.servesNamespace === null
    ? ready('The key is in force, for every namespace of the Organization.')
    : ready(`The key is in force, for the pods of namespace "${reach.servesNamespace}".`);
}
