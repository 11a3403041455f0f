import type { ApiKeyBinding, Organization } from '../../crds/resources.generated.ts';
import { isOlder } from '../age.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { isOperatorMade } from '../cluster/owned.ts';
import { operatorNamespace } from '../credentials.ts';
import { isMember } from '../membership.ts';
import { overlap } from '../patterns.ts';
import { consents, decideReach } from '../sharing.ts';
import { findProviderSecret, isProviderKey, readProviderKey } from './provider-key.ts';

type Cache = Pick<Cluster, 'get' | 'list'>;

/** How older bindings for the same provider and the same calls affect a binding. */
export interface Competition {
  /**
   * The binding that is in force instead, since both have a model in common. Undefined where this binding may be in
   * force.
   */
  readonly rival: ApiKeyBinding | undefined;
  /** When the first of the older ones expires, which may change which one is in force. Undefined where none expires. */
  readonly nextExpiryMs: number | undefined;
}

/** @param systemNamespace the operator's namespace, which belongs to no organization */
export function findCompetition(
  cluster: Cache,
  organization: Organization,
  binding: ApiKeyBinding,
  nowMs: number,
  systemNamespace = operatorNamespace,
): Competition {
  const older = cluster
    .list('ApiKeyBinding')
    .filter((other) => isSameScope(organization, binding, other) && isOlder(other, binding))
    .filter((other) => isContender(cluster, organization, other, nowMs, systemNamespace));
  const expiries = older.flatMap(({ spec }) =>
    spec.expiresAt === undefined ? [] : [Date.parse(spec.expiresAt) - nowMs],
  );
  return {
    rival: chooseInForce(older).find((other) => overlapsWith(other, binding)),
    nextExpiryMs: expiries.length === 0 ? undefined : Math.min(...expiries),
  };
}

/** Counts the bindings that are held back by an older one. */
export function countHeldBack(
  cluster: Cache,
  organization: Organization,
  nowMs: number,
  systemNamespace = operatorNamespace,
): number {
  const scopes = new Map<string, ApiKeyBinding[]>();
  const contenders = cluster
    .list('ApiKeyBinding')
    .filter(({ spec }) => spec.organizationRef.name === organization.metadata.name)
    .filter((binding) => isContender(cluster, organization, binding, nowMs, systemNamespace));
  for (const binding of contenders) {
    const { metadata, spec } = binding;
    const scope = [consents(organization, binding) ? '' : metadata.namespace, spec.provider, spec.user ?? ''].join(
      '\n',
    );
    scopes.set(scope, [...(scopes.get(scope) ?? []), binding]);
  }
  const inForce = [...scopes.values()].map((bindings) => chooseInForce(bindings).length);
  return contenders.length - inForce.reduce((sum, count) => sum + count, 0);
}

/**
 * Chooses the bindings in force among contenders of one scope: the oldest, and then each that competes with none of the
 * chosen ones.
 */
function chooseInForce(contenders: readonly ApiKeyBinding[]): ApiKeyBinding[] {
  const inForce: ApiKeyBinding[] = [];
  for (const contender of contenders.toSorted((one, other) => (isOlder(one, other) ? -1 : 1))) {
    if (!inForce.some((other) => overlapsWith(other, contender))) inForce.push(contender);
  }
  return inForce;
}

/** Whether two bindings cannot be in force at the same time. */
export function mayCompete(organization: Organization | undefined, one: ApiKeyBinding, other: ApiKeyBinding): boolean {
  return organization !== undefined && isSameScope(organization, one, other) && overlapsWith(one, other);
}

/** Whether a binding waits for another one to end. */
export function isHeldBack({ status }: ApiKeyBinding): boolean {
  return status?.conditions?.some(({ type, reason }) => type === 'Ready' && reason === 'Competing') ?? false;
}

/** Whether a binding could be in force, without regard to others. */
export function isContender(
  cluster: Cache,
  organization: Organization,
  binding: ApiKeyBinding,
  nowMs: number,
  systemNamespace = operatorNamespace,
): boolean {
  const { metadata, spec } = binding;
  const namespace = metadata.namespace ?? '';
  const place = cluster.get('Namespace', '', namespace)?.metadata ?? { name: namespace };
  return (
    spec.active &&
    metadata.deletionTimestamp === undefined &&
    (spec.expiresAt === undefined || Date.parse(spec.expiresAt) > nowMs) &&
    isMember(cluster.list('Organization'), organization, place, systemNamespace) &&
    organization.spec.providers.some(({ name }) => name === spec.provider) &&
    decideReach(binding, organization).refusal === undefined &&
    isProviderKey(readProviderKey(cluster, binding)) &&
    !isOperatorsSecret(cluster, binding)
  );
}

/** A Secret that the operator made never has a provider key. */
function isOperatorsSecret(cluster: Pick<Cluster, 'get'>, binding: ApiKeyBinding): boolean {
  const secret = findProviderSecret(cluster, binding);
  return secret !== undefined && isOperatorMade(secret);
}

function isSameScope(organization: Organization, one: ApiKeyBinding, other: ApiKeyBinding): boolean {
  return (
    one.metadata.uid !== other.metadata.uid &&
    one.spec.provider === other.spec.provider &&
    one.spec.user === other.spec.user &&
    one.spec.organizationRef.name === organization.metadata.name &&
    other.spec.organizationRef.name === organization.metadata.name &&
    // Uses the declared sharing, even if it is not in force yet, so that its effects are announced before.
    (consents(organization, one)
      ? consents(organization, other)
      : one.metadata.namespace === other.metadata.namespace && !consents(organization, other))
  );
}

function overlapsWith(one: ApiKeyBinding, other: ApiKeyBinding): boolean {
  return overlap(one.spec.models, other.spec.models);
}
