import type { Envelope } from '../database/envelope.ts';
import { makeEnvelope } from '../database/envelope.ts';
import type { Cluster, ResourceOf, Secret } from './cluster/cluster.ts';
import { credentialsSecretName, readCredentialsSecret } from './credentials.ts';
import { matchesSelector } from './label-selector.ts';
import type { Verdict } from './runtime/conditions.ts';

/** The kinds that belong to an Organization. */
export type TenantKind = 'Persona' | 'ApiKeyBinding' | 'AnalysisConfig';
export type TenantResource = ResourceOf<TenantKind>;

/** The organization that a resource belongs to, with what is needed to write its rows. */
export interface Tenancy {
  readonly organizationId: string;
  readonly organization: ResourceOf<'Organization'>;
  readonly envelope: Envelope;
}

/** Why a resource has no organization to belong to. */
export type TenancyProblem = Verdict;

/** Finds the organizations of resources in the cluster's cache; makes each organization's envelope once. */
export function makeTenancyFinder(cluster: Cluster, operatorNamespace: string) {
  const envelopes = new WeakMap<Secret, { organizationId: string; envelope: Envelope }>();
  const open = (secret: Secret) => {
    const known = envelopes.get(secret);
    if (known) return known;
    const credentials = readCredentialsSecret(secret);
    if (!credentials) return undefined;
    const opened = { organizationId: credentials.organization.id, envelope: makeEnvelope(credentials.dataKeys) };
    envelopes.set(secret, opened);
    return opened;
  };

  /** The organization's id and envelope, whoever is a member of it. */
  const findRows = (organizationName: string) => {
    const secret = cluster.get('Secret', operatorNamespace, credentialsSecretName(organizationName));
    return secret && open(secret);
  };

  const find = (resource: TenantResource): Tenancy | TenancyProblem => {
    const { name } = resource.spec.organizationRef;
    const namespace = resource.metadata.namespace ?? '';
    const organization = cluster.get('Organization', '', name);
    if (!organization || organization.metadata.deletionTimestamp) {
      return problem(
        'OrganizationNotFound',
        `There is no Organization "${name}"; create it or correct spec.organizationRef.`,
      );
    }
    const labels = cluster.get('Namespace', '', namespace)?.metadata.labels;
    if (!matchesSelector(organization.spec.namespaceSelector, labels)) {
      const message = `Namespace "${namespace}" does not belong to Organization "${name}": its labels do not match the Organization's namespaceSelector.`;
      return problem('NamespaceNotMember', message);
    }
    const rows = findRows(name);
    // A Secret of that name that has been there before the Organization is somebody else's.
    if (!rows || rows.organizationId !== organization.status?.id) {
      return problem('OrganizationNotReady', `Organization "${name}" has not been set up yet; this follows by itself.`);
    }
    return { ...rows, organization };
  };
  return { find, findRows };
}

export type TenancyFinder = ReturnType<typeof makeTenancyFinder>;

export function isProblem(tenancy: Tenancy | TenancyProblem): tenancy is TenancyProblem {
  return 'reason' in tenancy;
}

function problem(reason: string, message: string): Verdict {
  return { type: 'Ready', status: false, reason, message };
}
