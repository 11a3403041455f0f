import { createHash } from 'node:crypto';
import { isTenantKind, type TenantKind, tenantKinds } from '../crds/definition.ts';
import type { ApiKeyBinding, Organization } from '../crds/resources.generated.ts';
import { articlesLabel } from '../knowledge/article-files.ts';
import { isHeldBack, mayCompete } from './api-key-bindings/competition.ts';
import type { Change, ChangeListener, Cluster, Kind } from './cluster/cluster.ts';
import { type ObjectPath, pathOf } from './cluster/object-key.ts';
import { credentialsSecretName, gatewaySecretName, signingSecretName, syntheticKeySecretName } from './credentials.ts';
import { matchesSelector } from './label-selector.ts';
import { claimantsOf, organizationsOf } from './membership.ts';

/** Receives the keys of objects to reconcile. */
export interface TriggerTarget {
  readonly organization: (name: string) => void;
  /** Asks an Organization to recount its members. It may happen later. */
  readonly counts: (organization: string) => void;
  readonly tenant: (kind: TenantKind, path: ObjectPath) => void;
  /** As `tenant`, but behind what somebody has changed. */
  readonly tenantLater: (kind: TenantKind, path: ObjectPath) => void;
}

type Changed = (namespace: string, name: string, change: Change) => void;

/**
 * Decides which objects must be reconciled when one has changed: the object itself, those that refer to it, and the
 * owner of a Secret that was made for it. The operator's own writes trigger nothing, since their writer already knows.
 *
 * @returns the listener for the cluster's changes
 */
export function makeTriggers(
  cluster: Pick<Cluster, 'get' | 'list'>,
  operatorNamespace: string,
  target: TriggerTarget,
): ChangeListener {
  const seen = new Map<string, string>();

  const tenantsWhere = (
    reconcile: TriggerTarget['tenant'],
    matches: (object: { namespace: string; organization: string }) => boolean,
  ) => {
    for (const kind of tenantKinds) {
      for (const { metadata, spec } of cluster.list(kind)) {
        const namespace = metadata.namespace ?? '';
        if (!matches({ namespace, organization: spec.organizationRef.name })) continue;
        reconcile(kind, pathOf(metadata));
      }
    }
  };
  const resourcesOf = (name: string) => tenantsWhere(target.tenantLater, ({ organization }) => organization === name);
  const organizationChanged = (name: string, change: Change) => {
    if (change === 'foreign') target.organization(name);
    // Most changes of an Organization are to its status, and its resources depend on few of its fields.
    const fingerprint = fingerprintOf(cluster, name);
    if (seen.get(name) === fingerprint) return;
    seen.set(name, fingerprint);
    resourcesOf(name);
    for (const other of overlapping(cluster, name)) {
      target.organization(other);
      resourcesOf(other);
    }
  };
  /** Bindings that compete with a binding now or did before, and those that compete with them. */
  const rivalsChanged = (namespace: string, name: string) => {
    const bindings = cluster.list('ApiKeyBinding');
    const binding = cluster.get('ApiKeyBinding', namespace, name);
    const changing = [...(binding ? [binding] : []), ...bindings.filter(isHeldBack)];
    const organizationOf = ({ spec }: ApiKeyBinding) => cluster.get('Organization', '', spec.organizationRef.name);
    for (const other of bindings) {
      if (!isHeldBack(other) && !changing.some((one) => mayCompete(organizationOf(one), one, other))) continue;
      target.tenant('ApiKeyBinding', pathOf(other.metadata));
    }
  };
  const namespaceChanged = (name: string) => {
    const organizations = cluster.list('Organization');
    const place = cluster.get('Namespace', '', name)?.metadata;
    const claimants = place ? claimantsOf(organizations, place) : [];
    const members = place ? organizationsOf(organizations, place, operatorNamespace) : [];
    for (const organization of organizations) {
      const { metadata, status } = organization;
      const isMember = members.includes(organization);
      const isContested = claimants.length > 1 && claimants.includes(organization);
      if (isContested || overlapsOthers(organization)) target.organization(metadata.name);
      // It may permit training there.
      if (organization.spec.training?.namespace === name) target.organization(metadata.name);
      const isListed = status?.memberNamespaces?.includes(name) ?? false;
      // A running reconciliation may still give the namespace its credentials and list it.
      const isServed = cluster.get('Secret', name, credentialsSecretName(metadata.name)) !== undefined;
      if (isMember !== isListed || isMember !== isServed) target.organization(metadata.name);
    }
    tenantsWhere(target.tenant, ({ namespace }) => namespace === name);
    for (const { metadata } of cluster.list('ApiKeyBinding')) {
      if (metadata.namespace === name) rivalsChanged(name, metadata.name);
    }
  };
  const secretChanged = (namespace: string, name: string, change: Change) => {
    for (const { metadata, spec } of cluster.list('Organization')) {
      const credentials = credentialsSecretName(metadata.name);
      const own = [credentials, signingSecretName(metadata.name)];
      const referred = [
        spec.authentication?.sharedSecretRef?.name,
        spec.gateway?.tls?.secretName,
        ...(spec.webhooks ?? []).map(({ secretRef }) => secretRef.name),
        ...(spec.authentication?.accounts ?? []).map(({ passwordHashRef }) => passwordHashRef.name),
      ];
      const isReferred = namespace === operatorNamespace && referred.includes(name);
      const isGateways = namespace === operatorNamespace && gatewaySecretName(metadata.name) === name;
      if (change === 'foreign' && (own.includes(name) || isReferred || isGateways)) target.organization(metadata.name);
      // The data keys may be new, and no proxy can open rows that other keys sealed.
      if (namespace === operatorNamespace && own.includes(name)) resourcesOf(metadata.name);
    }
    if (change === 'own') return;
    for (const { metadata, spec } of cluster.list('ApiKeyBinding')) {
      if (metadata.namespace !== namespace) continue;
      if (spec.secretKeyRef.name !== name && syntheticKeySecretName(metadata.name) !== name) continue;
      target.tenant('ApiKeyBinding', pathOf(metadata));
      if (spec.secretKeyRef.name !== name) continue;
      rivalsChanged(namespace, metadata.name);
      // An Organization's status counts the bindings in force.
      target.counts(spec.organizationRef.name);
    }
  };
  /** Whose articles a ConfigMap has had so far. */
  const articlesOf = new Map<string, string>();
  for (const { metadata } of cluster.list('ConfigMap')) {
    const label = metadata.labels?.[articlesLabel];
    if (label !== undefined) articlesOf.set(`${metadata.namespace ?? ''}/${metadata.name}`, label);
  }
  const configMapChanged = (namespace: string, name: string) => {
    const place = `${namespace}/${name}`;
    const label = cluster.get('ConfigMap', namespace, name)?.metadata.labels?.[articlesLabel];
    // Also the one that had its articles before.
    const affected = [articlesOf.get(place), label].filter((one) => one !== undefined);
    if (label === undefined) articlesOf.delete(place);
    else articlesOf.set(place, label);
    for (const { metadata } of affected.length > 0 ? cluster.list('Organization') : []) {
      if (affected.includes(metadata.name) || affected.includes('')) target.organization(metadata.name);
    }
    for (const { metadata, spec } of cluster.list('Persona')) {
      if (metadata.namespace !== namespace || spec.contentFrom?.configMapKeyRef.name !== name) continue;
      target.tenant('Persona', pathOf(metadata));
    }
  };
  const tenantChanged = (kind: TenantKind, namespace: string, name: string, change: Change) => {
    if (change === 'own') return;
    target.tenant(kind, pathOf({ namespace, name }));
    // An Organization's status counts its bindings.
    const binding = kind === 'ApiKeyBinding' ? cluster.get(kind, namespace, name) : undefined;
    if (kind === 'ApiKeyBinding') rivalsChanged(namespace, name);
    if (binding) target.counts(binding.spec.organizationRef.name);
    if (kind !== 'Persona') return;
    // The support desk's voice may have come or gone.
    for (const { metadata, spec } of cluster.list('Organization')) {
      if (spec.support?.persona === `${namespace}/${name}`) target.counts(metadata.name);
    }
  };

  const others: { readonly [K in Exclude<Kind, TenantKind>]: Changed } = {
    Organization: (_, name, change) => organizationChanged(name, change),
    Namespace: (_, name) => namespaceChanged(name),
    Secret: secretChanged,
    ConfigMap: configMapChanged,
  };
  return ({ kind, namespace, name }, change) =>
    isTenantKind(kind) ? tenantChanged(kind, namespace, name, change) : others[kind](namespace, name, change);
}

/**
 * The other Organizations that select a namespace which this one selects or did select: the namespace may have changed
 * hands.
 */
function overlapping(cluster: Pick<Cluster, 'list'>, name: string): ReadonlySet<string> {
  const organizations = cluster.list('Organization');
  const changed = organizations.find(({ metadata }) => metadata.name === name);
  const rivals = cluster
    .list('Namespace')
    .filter(({ metadata }) => changed && matchesSelector(changed.spec.namespaceSelector, metadata.labels))
    .flatMap(({ metadata }) => claimantsOf(organizations, metadata));
  const others = new Set([...rivals, ...organizations.filter(overlapsOthers)].map(({ metadata }) => metadata.name));
  others.delete(name);
  return others;
}

function overlapsOthers({ status }: Organization): boolean {
  return status?.conditions?.some(({ reason }) => reason === 'SelectorsOverlap') ?? false;
}

/** The fields of an Organization that its resources depend on. */
function fingerprintOf(cluster: Pick<Cluster, 'get'>, name: string): string {
  const organization = cluster.get('Organization', '', name);
  const { spec, status, metadata } = organization ?? {};
  const relevant = [
    status?.id,
    metadata?.deletionTimestamp,
    spec?.namespaceSelector,
    spec?.sharing,
    status?.sharing,
    spec?.providers.map(({ name, models }) => [name, models?.map((model) => model.name)]),
    spec?.models,
    spec?.surfaces,
    [...(spec?.limits ?? []), ...(spec?.budgets ?? [])].map((rule) => rule.name),
    status?.memberNamespaces,
    spec?.authentication?.bindingRoles,
    spec?.authentication?.workloadUsers,
    status?.keptNamespaces,
  ];
  return createHash('sha256').update(JSON.stringify(relevant)).digest('hex');
}
