import type { TenantKind } from '../crds/definition.ts';
import { type DataKeySet, type Envelope, makeEnvelope } from '../database/envelope.ts';
import type { Cluster, ResourceOf, Secret } from './cluster/cluster.ts';
import { credentialsSecretName, readCredentialsSecret, readNamespaceMaster, signingSecretName } from './credentials.ts';
import { isMember, whyNotMember } from './membership.ts';
import { deriveNamespaceKeys } from './namespace-keys.ts';
import type { Verdict } from './runtime/conditions.ts';

export type TenantResource = ResourceOf<TenantKind>;

/** The organization of a resource, with the means to write its rows. */
export interface Tenancy {
  readonly organizationId: string;
  readonly organization: ResourceOf<'Organization'>;
  readonly envelopeFor: EnvelopeFor;
}

/**
 * Chooses the envelope that seals a row: that of the namespace it serves, or (null) the organization's.
 *
 * @returns undefined where the master for the namespace's key is missing
 */
export type EnvelopeFor = (servesNamespace: string | null) => Envelope | undefined;

/** Of an Organization that is still being set up. */
export const organizationNotReadyReason = 'OrganizationNotReady';

/** Why a resource belongs to no organization. */
export type TenancyProblem = Verdict;

/** Finds the organizations of resources in the cluster's cache. It makes each organization's envelope once. */
export function makeTenancyFinder(cluster: Cluster, operatorNamespace: string) {
  const opened = new WeakMap<Secret, { readonly organizationId: string; readonly envelopeFor: EnvelopeFor }>();
  const open = (secret: Secret) => {
    const known = opened.get(secret);
    if (known) return known;
    const credentials = readCredentialsSecret(secret);
    if (!credentials) return undefined;
    const { id, name } = credentials.organization;
    const signingSecret = () => cluster.get('Secret', operatorNamespace, signingSecretName(name));
    const rows = { organizationId: id, envelopeFor: makeEnvelopes(id, credentials.dataKeys, signingSecret) };
    opened.set(secret, rows);
    return rows;
  };

  /** Finds an organization's id and envelopes, without a check of membership. */
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
    const place = cluster.get('Namespace', '', namespace)?.metadata ?? { name: namespace };
    const organizations = cluster.list('Organization');
    if (!isMember(organizations, organization, place, operatorNamespace)) {
      const why = whyNotMember(organizations, organization, place, operatorNamespace);
      return problem(
        'NamespaceNotMember',
        `Namespace "${namespace}" does not belong to Organization "${name}": ${why}`,
      );
    }
    const rows = findRows(name);
    // A Secret of that name that is older than the Organization is not its own.
    if (!rows || rows.organizationId !== organization.status?.id) {
      return problem(organizationNotReadyReason, `Organization "${name}" is not set up yet. This follows by itself.`);
    }
    return { ...rows, organization };
  };
  return { find, findRows, operatorNamespace };
}

export type TenancyFinder = ReturnType<typeof makeTenancyFinder>;

export function isProblem(tenancy: Tenancy | TenancyProblem): tenancy is TenancyProblem {
  return 'reason' in tenancy;
}

function problem(reason: string, message: string): Verdict {
  return { type: 'Ready', status: false, reason, message };
}

/** Derives a namespace's keys once for each master. */
function makeEnvelopes(
  organizationId: string,
  dataKeys: DataKeySet,
  signingSecret: () => Secret | undefined,
): EnvelopeFor {
  const organization = makeEnvelope(dataKeys);
  let derivedFrom: Secret | undefined;
  let namespaces = new Map<string, Envelope>();
  return (servesNamespace) => {
    if (servesNamespace === null) return organization;
    const secret = signingSecret();
    if (secret !== derivedFrom) namespaces = new Map();
    derivedFrom = secret;
    const known = namespaces.get(servesNamespace);
    if (known) return known;
    const master = readNamespaceMaster(secret);
    if (!master?.keys[dataKeys.current]) return undefined;
    const envelope = makeEnvelope(deriveNamespaceKeys(master, dataKeys, organizationId, servesNamespace));
    namespaces.set(servesNamespace, envelope);
    return envelope;
  };
}
