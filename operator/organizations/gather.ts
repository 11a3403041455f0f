import type { Organization } from '../../crds/resources.generated.ts';
import { organizationIdOf } from '../../database/ids.ts';
import { findOrganization } from '../../database/organizations.ts';
import type { Cluster, Secret } from '../cluster/cluster.ts';
import type { ServiceAccountIssuer } from '../cluster/kubernetes/service-account-issuer.ts';
import {
  credentialsSecretName,
  type OrganizationCredentials,
  readCredentialsSecret,
  readSigningKeys,
  signingSecretName,
  type TokenKey,
  textOf,
} from '../credentials.ts';
import { matchesSelector } from '../label-selector.ts';
import type { OrganizationContext } from './context.ts';
import { loginOf } from './login.ts';

/** Everything a decision about an organization rests on. */
export interface GatheredOrganization {
  readonly organization: Organization;
  readonly operatorNamespace: string;
  readonly organizationId: string;
  /** The id under which the database knows the name already. */
  readonly storedId: string | undefined;
  /** Whether it was stored before defaults became stricter: the former ones hold for what its spec does not state. */
  readonly keepsOldDefaults: boolean;
  /** The organization's login role in the database. */
  readonly role: string | undefined;
  /** Whether the database refuses the password that was handed out. */
  readonly passwordIsRefused: boolean;
  readonly credentials: OrganizationCredentials | undefined;
  readonly signingKeys: readonly TokenKey[];
  /** Names, in order. */
  readonly memberNamespaces: readonly string[];
  /** Namespaces that hold a copy of the credentials, members or not. */
  readonly namespacesWithCredentials: readonly string[];
  readonly boundKeys: number;
  /** The HS256 secret; null where one is named and missing. */
  readonly sharedSecret: string | null | undefined;
  /** Where the organization accepts service accounts: who issues their tokens, or why that cannot be told. */
  readonly serviceAccountIssuer: ServiceAccountIssuer | { readonly unknown: string } | undefined;
}

export async function gatherOrganization(
  context: Pick<OrganizationContext, 'cluster' | 'db' | 'operatorNamespace' | 'serviceAccountIssuer' | 'logins'>,
  name: string,
): Promise<GatheredOrganization | undefined> {
  const { cluster, db, operatorNamespace } = context;
  const organization = cluster.get('Organization', '', name);
  if (!organization) return undefined;
  const stored = await findOrganization(db, name);
  const copies = cluster.list('Secret').filter((secret) => isCredentialsOf(secret, name));
  const own = copies.find((secret) => secret.metadata.namespace === operatorNamespace);
  const intact = [own, ...copies].map(readCredentialsSecret).find((credentials) => credentials !== undefined);
  // What was handed out before stays, even where the row was lost: other rows bear it.
  const organizationId =
    stored?.organizationId ?? organization.status?.id ?? organizationIdOf(organization.metadata.uid);
  const role = stored?.role ?? undefined;
  const login = loginOf(intact, organizationId, role);
  return {
    organization,
    operatorNamespace,
    organizationId,
    storedId: stored?.organizationId,
    keepsOldDefaults: stored?.keepsOldDefaults ?? false,
    role,
    passwordIsRefused: (login && (await context.logins?.isRefused(login))) ?? false,
    // A copy serves where the operator's own was lost: the data keys in it exist nowhere else.
    credentials: intact,
    signingKeys: readSigningKeys(cluster.get('Secret', operatorNamespace, signingSecretName(name))),
    memberNamespaces: cluster
      .list('Namespace')
      // One that is being deleted takes no Secrets any more.
      .filter(({ metadata }) => !metadata.deletionTimestamp)
      .filter(({ metadata }) => matchesSelector(organization.spec.namespaceSelector, metadata.labels))
      .map(({ metadata }) => metadata.name)
      .sort(),
    namespacesWithCredentials: copies.map((secret) => secret.metadata.namespace ?? ''),
    boundKeys: cluster
      .list('ApiKeyBinding')
      .filter(({ spec, metadata }) => spec.organizationRef.name === name && spec.active && !metadata.deletionTimestamp)
      .length,
    sharedSecret: gatherSharedSecret(cluster, operatorNamespace, organization),
    serviceAccountIssuer: await gatherIssuer(context, organization),
  };
}

function isCredentialsOf({ metadata }: Secret, organization: string): boolean {
  return (
    metadata.name === credentialsSecretName(organization) &&
    metadata.labels?.['chaperone.dev/organization'] === organization
  );
}

async function gatherIssuer(
  { serviceAccountIssuer }: Pick<OrganizationContext, 'serviceAccountIssuer'>,
  { spec }: Organization,
): Promise<GatheredOrganization['serviceAccountIssuer']> {
  if (!spec.authentication?.serviceAccounts) return undefined;
  if (!serviceAccountIssuer) return { unknown: 'there are none outside a cluster' };
  try {
    return await serviceAccountIssuer();
  } catch (error) {
    return { unknown: error instanceof Error ? error.message : String(error) };
  }
}

function gatherSharedSecret(
  cluster: Cluster,
  operatorNamespace: string,
  { spec }: Organization,
): string | null | undefined {
  const reference = spec.authentication?.sharedSecretRef;
  if (!reference) return undefined;
  const secret = cluster.get('Secret', operatorNamespace, reference.name);
  return secret?.data[reference.key] === undefined ? null : textOf(secret, reference.key);
}
