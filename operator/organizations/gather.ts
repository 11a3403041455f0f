import { tenantKinds } from '../../crds/definition.ts';
import type { Organization } from '../../crds/resources.generated.ts';
import { organizationIdOf } from '../../database/ids.ts';
import {
  findOrganization,
  findOrganizationName,
  type StoredLogin,
  type StoredOrganization,
} from '../../database/organizations.ts';
import { countHeldBack, isContender } from '../api-key-bindings/competition.ts';
import type { Cluster, Secret } from '../cluster/cluster.ts';
import type { ServiceAccountIssuer } from '../cluster/kubernetes/service-account-issuer.ts';
import { pathOf } from '../cluster/object-key.ts';
import {
  credentialsSecretName,
  type OrganizationCredentials,
  readCredentialsSecret,
  readNamespaceMaster,
  readSigningKeys,
  signingSecretName,
  type TokenKey,
} from '../credentials.ts';
import type { NamespaceMaster } from '../namespace-keys.ts';
import { holdsFormerRules } from '../sharing.ts';
import type { TenantResource } from '../tenancy.ts';
import type { OrganizationContext } from './context.ts';
import { loginOf } from './login.ts';
import { decideMembers, type Members } from './members.ts';
import { isCredentialsOf, isSigningKeysOf, type OrganizationIdentity } from './ownership.ts';
import { recoverCredentials } from './recover.ts';
import { judgeSharedSecret, type SharedSecret } from './shared-secret.ts';

/** The facts for a decision about an organization. */
export interface GatheredOrganization {
  readonly organization: Organization;
  readonly operatorNamespace: string;
  readonly organizationId: string;
  /** The id that the database already has for the name. */
  readonly storedId: string | undefined;
  /** Whether it is older than the stricter defaults. Then the former defaults apply where the spec is silent. */
  readonly keepsOldDefaults: boolean;
  /** The organization's login role in the database. */
  readonly role: string | undefined;
  /** The state of that role. */
  readonly storedLogin: StoredLogin | undefined;
  /** The number of pods with a sidecar of the organization. Undefined where unknown. */
  readonly sidecars: number | undefined;
  /** Whether the database refuses the password that proxies have. */
  readonly passwordIsRefused: boolean;
  readonly credentials: OrganizationCredentials | undefined;
  /** Whether the operator's own credentials were lost, and these were recovered from copies in member namespaces. */
  readonly isRecovered: boolean;
  /** Secrets, as `namespace/name`, with a name of the organization's Secrets, but another owner. */
  readonly takenSecrets: readonly string[];
  /** Copies of lost credentials, as `namespace/name`, that cannot be proved right. */
  readonly unprovenCopies: readonly string[];
  readonly signingKeys: readonly TokenKey[];
  /** The master of the namespace keys, if there is one. */
  readonly namespaceMaster: NamespaceMaster | undefined;
  /** Names, sorted. */
  readonly memberNamespaces: readonly string[];
  /** The member namespaces, with other Organizations that select them. */
  readonly members: Members;
  /** Namespaces that have a copy of the credentials, members or not. */
  readonly namespacesWithCredentials: readonly string[];
  readonly keys: CountedKeys;
  readonly sharing: GatheredSharing;
  /** The HS256 secret. Undefined where none is named. */
  readonly sharedSecret: SharedSecret | undefined;
  /** Set where the organization accepts service accounts: the issuer of their tokens, or why it is unknown. */
  readonly serviceAccountIssuer: ServiceAccountIssuer | { readonly unknown: string } | undefined;
}

/** The organization's bindings, without inactive ones and those being deleted. */
export interface CountedKeys {
  /** How many are in force now. */
  readonly inForce: number;
  readonly wanted: number;
  /** The providers of those that could be in force. */
  readonly providers: ReadonlySet<string>;
  /** Milliseconds until the next of those in force expires. */
  readonly nextExpiryMs: number | undefined;
}

/** The facts that decide which rules of sharing apply. */
export interface GatheredSharing {
  /** Whether the former rules apply, since the organization is older than `spec.sharing`. */
  readonly sharesByDefault: boolean;
  /** The number of pods with an outdated sidecar. 0 where there are no pods. */
  readonly outdatedSidecars: number | 'unknown';
  /** When the newest namespace keys were made. Undefined where there are none yet. */
  readonly keysIssuedAtS: number | undefined;
  /** The objects of the organization. */
  readonly objects: readonly TenantResource[];
}

export async function gatherOrganization(
  context: Omit<OrganizationContext, 'proxyDatabaseUrl'>,
  name: string,
): Promise<GatheredOrganization | undefined> {
  const { cluster, db, operatorNamespace } = context;
  const organization = cluster.get('Organization', '', name);
  if (!organization) return undefined;
  const stored = await findOrganization(db, name);
  // Keep an id that was used before, even where the row was lost, since other rows have it.
  const organizationId =
    stored?.organizationId ?? (await statedId(context, organization)) ?? organizationIdOf(organization.metadata.uid);
  const identity = { name, uid: organization.metadata.uid, organizationId };
  const secrets = gatherSecrets(cluster, operatorNamespace, identity, stored);
  const { credentials } = secrets;
  const role = stored?.role ?? undefined;
  const objects = tenantKinds
    .flatMap((kind): readonly TenantResource[] => cluster.list(kind))
    .filter(({ spec }) => spec.organizationRef.name === name);
  const members = decideMembers({
    organization,
    organizations: cluster.list('Organization'),
    namespaces: cluster
      .list('Namespace')
      .map(({ metadata }) => metadata)
      .filter(({ deletionTimestamp }) => !deletionTimestamp),
    operatorNamespace,
    usedNamespaces: new Set(objects.map(({ metadata }) => metadata.namespace ?? '')),
  });
  const login = loginOf(credentials, organizationId, role);
  return {
    organization,
    operatorNamespace,
    organizationId,
    storedId: stored?.organizationId,
    keepsOldDefaults: stored?.keepsOldDefaults ?? false,
    role,
    storedLogin: role === undefined ? undefined : stored,
    sidecars: countSidecars(context, name),
    passwordIsRefused: (login && (await context.logins?.isRefused(login))) ?? false,
    ...secrets,
    memberNamespaces: members.names,
    members,
    keys: countKeys(cluster, organization, context.now(), operatorNamespace),
    sharing: {
      // Where the row was lost, the status still has this.
      sharesByDefault: stored?.sharesByDefault ?? organization.status?.sharing === 'Former',
      outdatedSidecars: countOutdated(context, name),
      keysIssuedAtS: newestOf(secrets.namespaceMaster),
      objects,
    },
    sharedSecret: gatherSharedSecret(cluster, operatorNamespace, organization, credentials),
    serviceAccountIssuer: await gatherIssuer(context, organization),
  };
}

function countKeys(
  cluster: Cluster,
  organization: Organization,
  nowMs: number,
  operatorNamespace: string,
): CountedKeys {
  const wanted = cluster
    .list('ApiKeyBinding')
    .filter(({ spec }) => spec.organizationRef.name === organization.metadata.name)
    .filter(({ spec, metadata }) => spec.active && !metadata.deletionTimestamp);
  const contenders = wanted.filter((binding) => isContender(cluster, organization, binding, nowMs, operatorNamespace));
  const heldBack = holdsFormerRules(organization) ? 0 : countHeldBack(cluster, organization, nowMs, operatorNamespace);
  const expiries = contenders.flatMap(({ spec }) =>
    spec.expiresAt === undefined ? [] : [Date.parse(spec.expiresAt) - nowMs],
  );
  return {
    inForce: contenders.length - heldBack,
    wanted: wanted.length,
    providers: new Set(contenders.map(({ spec }) => spec.provider)),
    nextExpiryMs: expiries.length === 0 ? undefined : Math.min(...expiries),
  };
}

function countOutdated({ sidecars }: Pick<OrganizationContext, 'sidecars'>, name: string): number | 'unknown' {
  if (!sidecars) return 0;
  const survey = sidecars.fleet.find(name);
  return survey ? survey.outdated.reduce((sum, { pods }) => sum + pods, 0) : 'unknown';
}

function newestOf(master: NamespaceMaster | undefined): number | undefined {
  return master && Math.max(...Object.values(master.issuedAtS));
}

function countSidecars({ sidecars }: Pick<OrganizationContext, 'sidecars'>, name: string): number | undefined {
  const pods = sidecars?.fleet.find(name)?.pods.values();
  return pods?.reduce((sum, { current, outdated }) => sum + current + outdated, 0);
}

/**
 * The id in the status, for an organization whose row was lost or renamed. Writers of statuses could put another's id
 * there, so an id of another Organization, or of a deleted one, is not accepted.
 */
async function statedId(
  { cluster, db }: Pick<OrganizationContext, 'cluster' | 'db'>,
  { status }: Organization,
): Promise<string | undefined> {
  if (status?.id === undefined) return undefined;
  const row = await findOrganizationName(db, status.id);
  const isAnothers = row && (row.isDeleted || cluster.get('Organization', '', row.name) !== undefined);
  return isAnothers ? undefined : status.id;
}

type GatheredSecrets = Pick<
  GatheredOrganization,
  | 'credentials'
  | 'isRecovered'
  | 'takenSecrets'
  | 'unprovenCopies'
  | 'signingKeys'
  | 'namespaceMaster'
  | 'namespacesWithCredentials'
>;

/** @param stored the organization's row */
function gatherSecrets(
  cluster: Cluster,
  operatorNamespace: string,
  identity: OrganizationIdentity,
  stored: StoredOrganization | undefined,
): GatheredSecrets {
  const name = credentialsSecretName(identity.name);
  const named = cluster.list('Secret').filter(({ metadata }) => metadata.name === name);
  const copies = named.filter((secret) => isCredentialsOf(secret, identity));
  const isOwn = ({ metadata }: Secret) => metadata.namespace === operatorNamespace;
  const own = readCredentialsSecret(copies.find(isOwn));
  // Where the operator's own Secret was lost, read the copies: the data keys exist nowhere else.
  const elsewhere = own || !stored ? [] : copies.filter((secret) => !isOwn(secret) && readCredentialsSecret(secret));
  const recovered = recoverCredentials(
    elsewhere.flatMap((secret) => readCredentialsSecret(secret) ?? []),
    stored?.dataKeyDigests ?? [],
  );
  const signing = cluster.get('Secret', operatorNamespace, signingSecretName(identity.name));
  const acceptedKeyIds = own?.jwks.keys.map(({ kid }) => kid) ?? [];
  const isSigning = signing && isSigningKeysOf(signing, identity, acceptedKeyIds, stored !== undefined);
  const taken = [
    ...named.filter((secret) => isOwn(secret) && !copies.includes(secret)),
    ...(isSigning ? [] : [signing]),
  ];
  return {
    credentials: own ?? recovered,
    isRecovered: recovered !== undefined,
    takenSecrets: taken.filter((secret) => secret !== undefined).map(({ metadata }) => pathOf(metadata)),
    unprovenCopies: stored?.dataKeyDigests.length === 0 ? elsewhere.map(({ metadata }) => pathOf(metadata)) : [],
    signingKeys: isSigning ? readSigningKeys(signing) : [],
    namespaceMaster: isSigning ? readNamespaceMaster(signing) : undefined,
    namespacesWithCredentials: copies.map((secret) => secret.metadata.namespace ?? ''),
  };
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
  { metadata, spec }: Organization,
  credentials: OrganizationCredentials | undefined,
): SharedSecret | undefined {
  const reference = spec.authentication?.sharedSecretRef;
  if (!reference) return undefined;
  const secret = cluster.get('Secret', operatorNamespace, reference.name);
  return judgeSharedSecret(secret, reference.key, metadata.name, credentials);
}
