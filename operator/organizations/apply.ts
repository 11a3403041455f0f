import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose';
import { recordRevocation } from '../../database/audit/revocation.ts';
import { digestsOf } from '../../database/data-key-digests.ts';
import { type DataKeySet, generateDataKeys } from '../../database/envelope.ts';
import { addJobOf } from '../../database/jobs.ts';
import { hasArticles } from '../../database/knowledge.ts';
import { deleteOrganization, retireOrganization, upsertOrganization } from '../../database/organizations.ts';
import type { Queryable } from '../../database/queryable.ts';
import { insertRevocation } from '../../database/revocations.ts';
import { dropOrganizationRole, ensureOrganizationRole } from '../../database/roles.ts';
import { indexingJob } from '../../knowledge/settings.ts';
import type { Cluster, ObjectKey, Secret } from '../cluster/cluster.ts';
import { ClusterError } from '../cluster/cluster-error.ts';
import { fieldManager } from '../cluster/kubernetes/field-manager.ts';
import { pathOf } from '../cluster/object-key.ts';
import {
  credentialsSecretName,
  gatewaySecretName,
  masterFile,
  type OrganizationCredentials,
  signingSecretName,
  type TokenKey,
  toSecretData,
} from '../credentials.ts';
import { removeGateway } from '../gateways/reconcile.ts';
import { completeMaster, deriveNamespaceKeys, type NamespaceMaster } from '../namespace-keys.ts';
import type { OrganizationContext } from './context.ts';
import { finalizer, type NamespaceFailure, type OrganizationDecision } from './decide.ts';
import type { GatheredOrganization } from './gather.ts';
import { turnDataKeys, turnTokenKeys } from './keys.ts';
import { type Login, loginOf, withLogin } from './login.ts';
import { isCredentialsOf, isSigningKeysOf, type OrganizationIdentity, organizationLabel } from './ownership.ts';
import { describeRotations } from './rotation-events.ts';
import { sharedSecretKeyId } from './shared-secret.ts';
import { limitLogin, restorePassword } from './tend-login.ts';

type Key = ObjectKey<'Organization'>;

/** How long a key's revocation is kept: after that, no proxy has the key any more. */
const keyRevocationMs = 30 * 86_400_000;

/** The time in which every proxy hears of a revocation: without notifications, proxies poll every two seconds. */
const hearMs = 3_000;

/** The result of applying an organization. */
export interface AppliedOrganization {
  readonly id: string;
  readonly tokenKeyIds: string[];
  readonly dataKeys: DataKeySet;
  /** The member namespaces that could not get the credentials, with the reasons. */
  readonly failures: readonly NamespaceFailure[];
  /** When the row was committed, by `performance.now()`. Undefined where it did not change. */
  readonly effectAtMs: number | undefined;
  /** Why the database does not allow the operator to limit the login. Undefined where it does. */
  readonly limitsRefusal: string | undefined;
}

/** Stores the organization, makes its role and keys if they are missing, and hands out its credentials. */
export async function applyOrganization(
  context: OrganizationContext,
  key: Key,
  gathered: GatheredOrganization,
  decision: Extract<OrganizationDecision, { action: 'apply' }>,
): Promise<AppliedOrganization> {
  const { cluster, db, operatorNamespace, proxyDatabaseUrl, logins, now } = context;
  if (decision.needsFinalizer) await cluster.addFinalizer(key, finalizer);
  const id = gathered.organizationId;
  const nowS = Math.floor(now() / 1_000);
  await revokeKeys(context, id, decision.tokenKeys.distrust);
  const freshTokenKey = decision.tokenKeys.issue ? await generateSigningKey() : undefined;
  const signingKeys = turnTokenKeys(gathered.signingKeys, decision.tokenKeys, freshTokenKey, nowS);
  const identity = identityOf(gathered);
  const freshDataKey = decision.dataKeys.issue ? generateDataKeys() : undefined;
  const { dataKeysLeakedBeforeMs } = decision;
  const known = gathered.credentials?.dataKeys;
  const dataKeys = turnDataKeys(known, decision.dataKeys, freshDataKey, nowS, dataKeysLeakedBeforeMs);
  const master = completeMaster(gathered.namespaceMaster, dataKeys, nowS);
  await applySigningKeys(cluster, gathered, { signingKeys, master }, decision.tokenLifetime);
  if (decision.dataKeysWereLost) {
    const message =
      'The data keys were lost, and new ones were made. Message contents that were stored before can never be read again.';
    await cluster.recordEvent(key, { type: 'Warning', reason: 'DataKeysLost', message });
  }
  const knownLogin = decision.renewsLogin ? undefined : loginOf(gathered.credentials, id, gathered.role);
  // Restore the password that proxies have, since a new one would first have to reach them.
  if (knownLogin && gathered.passwordIsRefused) await restorePassword(context, key, id, knownLogin);
  const login = knownLogin ?? (await issueLogin(db, id));
  if (!knownLogin) logins?.noteIssued(login);
  const credentials: OrganizationCredentials = {
    organization: { id, name: key.name },
    databaseUrl: withLogin(proxyDatabaseUrl, login),
    jwks: { keys: [...signingKeys.map(publicPart), ...sharedKey(decision.sharedSecret)] },
    dataKeys,
    loginIssuedAtS: knownLogin && gathered.credentials ? gathered.credentials.loginIssuedAtS : nowS,
    ...(decision.serviceAccounts && { serviceAccounts: decision.serviceAccounts }),
  };
  // Store the credentials before the row, so that the row is sealed only with keys that are stored.
  const failures: NamespaceFailure[] = [];
  for (const namespace of decision.namespaces) {
    const namespaceKeys = ownersOf(context, gathered, namespace).map((owner) =>
      deriveNamespaceKeys(master, dataKeys, id, owner),
    );
    const failure = await applyCredentials(cluster, namespace, identity, { ...credentials, namespaceKeys });
    // Without its own copy of the keys, the operator might lose everything that they seal.
    if (failure && namespace === operatorNamespace) throw failure;
    if (failure) failures.push({ namespace, reason: failure.message });
  }
  await applyGatewayCredentials(context, gathered, credentials, master);
  const { memberNamespaces } = gathered;
  const allKeys = memberNamespaces.map((member) => deriveNamespaceKeys(master, dataKeys, id, member));
  context.workers?.put({ ...credentials, namespaceKeys: allKeys });
  const dataKeyDigests = digestsOf(credentials.dataKeys);
  const sharesByDefault = decision.sharing.rules === 'Former';
  const row = { organizationId: id, name: key.name, spec: decision.spec, dataKeyDigests, sharesByDefault };
  const isChanged = await upsertOrganization(db, row);
  const effectAtMs = isChanged ? performance.now() : undefined;
  // It may say something else about the index. A worker finds out what is to do.
  if (isChanged && (await hasArticles(db, id))) await addJobOf(db, id, indexingJob);
  for (const note of describeRotations(gathered, decision)) await cluster.recordEvent(key, note);
  const limitsRefusal = await limitLogin(context, key, gathered, decision);
  for (const namespace of decision.staleNamespaces)
    await cluster.deleteSecret(namespace, credentialsSecretName(key.name), (one) => isCredentialsOf(one, identity));
  return { id, tokenKeyIds: signingKeys.map((jwk) => jwk.kid ?? ''), dataKeys, failures, effectAtMs, limitsRefusal };
}

/** Hands out the credentials of the gateway, with the keys of the namespaces that it acts for; or takes them back. */
async function applyGatewayCredentials(
  { cluster, operatorNamespace, isOneMachine }: OrganizationContext,
  gathered: GatheredOrganization,
  credentials: OrganizationCredentials,
  master: NamespaceMaster,
): Promise<void> {
  const { organization, memberNamespaces } = gathered;
  const identity = identityOf(gathered);
  const { gateway } = organization.spec;
  if (isOneMachine || !gateway) return removeGatewayCredentials(cluster, operatorNamespace, identity);
  const { id } = credentials.organization;
  const namespaceKeys = memberNamespaces
    .filter((member) => gateway.namespaces?.includes(member))
    .map((member) => deriveNamespaceKeys(master, credentials.dataKeys, id, member));
  await cluster.applySecret({
    namespace: operatorNamespace,
    name: gatewaySecretName(identity.name),
    labels: { [organizationLabel]: identity.name },
    data: toSecretData({ ...credentials, namespaceKeys }),
    ownerUid: identity.uid,
    isOwn: (secret) => isCredentialsOf(secret, identity),
  });
}

async function removeGatewayCredentials(
  cluster: Cluster,
  operatorNamespace: string,
  identity: OrganizationIdentity,
): Promise<void> {
  const isOwn = (secret: Secret) => isCredentialsOf(secret, identity);
  await cluster.deleteSecret(operatorNamespace, gatewaySecretName(identity.name), isOwn);
}

/**
 * Makes proxies refuse tokens that leaked keys have signed. It comes first: a mounted Secret takes a minute or two to
 * change, and after the change of the password, a proxy that has to reconnect hears nothing until then.
 */
async function revokeKeys({ db, now }: OrganizationContext, organizationId: string, keyIds: readonly string[]) {
  if (keyIds.length === 0) return;
  const expiresAt = new Date(now() + keyRevocationMs);
  for (const keyId of keyIds) {
    const revocation = { organizationId, kind: 'key', keyId, expiresAt } as const;
    await insertRevocation(db, revocation);
    await recordRevocation(db, revocation, fieldManager);
  }
  await delay(hearMs);
}

/** Removes the organization, and its data as the deletionPolicy says. The finalizer is removed last. */
export async function removeOrganization(
  { cluster, db, operatorNamespace, gateways, audit, workers }: OrganizationContext,
  key: Key,
  gathered: GatheredOrganization,
  decision: Extract<OrganizationDecision, { action: 'delete' }>,
): Promise<void> {
  const { organizationId } = gathered;
  const identity = identityOf(gathered);
  if (gateways) await removeGateway(gateways, gathered.organization);
  await removeGatewayCredentials(cluster, operatorNamespace, identity);
  await workers?.remove(organizationId);
  await audit?.gone(organizationId, 'Organization', pathOf(key));
  if (decision.keepData) await retireOrganization(db, organizationId);
  else {
    await deleteOrganization(db, organizationId);
    const reason = await dropOrganizationRole(db, organizationId);
    if (reason !== undefined) {
      const message = `The organization’s database role cannot be dropped, since it still owns objects in another database (${reason}). It cannot log in, and has no rights.`;
      await cluster.recordEvent(key, { type: 'Warning', reason: 'DatabaseRoleKept', message });
    }
  }
  // Where the data is kept, its keys are kept, too.
  for (const namespace of decision.staleNamespaces) {
    if (decision.keepData && namespace === operatorNamespace) continue;
    await cluster.deleteSecret(namespace, credentialsSecretName(key.name), (one) => isCredentialsOf(one, identity));
  }
  if (!decision.keepData) {
    const isOwn = (secret: Secret) => isSigningSecretOf(gathered, secret);
    await cluster.deleteSecret(operatorNamespace, signingSecretName(key.name), isOwn);
  }
  await cluster.removeFinalizer(key, finalizer);
}

/**
 * The namespaces whose keys a copy of the credentials has: only its own. In a cluster, nobody mounts the operator's own
 * copy. On one machine, the organization's only proxy uses it.
 */
function ownersOf(
  { isOneMachine, operatorNamespace }: OrganizationContext,
  { memberNamespaces }: GatheredOrganization,
  namespace: string,
): readonly string[] {
  if (isOneMachine && namespace === operatorNamespace) return memberNamespaces;
  return memberNamespaces.filter((member) => member === namespace);
}

function identityOf({ organization: { metadata }, organizationId }: GatheredOrganization): OrganizationIdentity {
  return { name: metadata.name, uid: metadata.uid, organizationId };
}

function isSigningSecretOf(gathered: GatheredOrganization, secret: Secret): boolean {
  const acceptedKeyIds = gathered.credentials?.jwks.keys.map(({ kid }) => kid) ?? [];
  return isSigningKeysOf(secret, identityOf(gathered), acceptedKeyIds, gathered.storedId !== undefined);
}

/** @returns why the namespace cannot get them, so that a failure in one does not affect the others */
async function applyCredentials(
  cluster: Cluster,
  namespace: string,
  identity: OrganizationIdentity,
  credentials: OrganizationCredentials,
): Promise<ClusterError | undefined> {
  const { name, uid } = identity;
  try {
    await cluster.applySecret({
      namespace,
      name: credentialsSecretName(name),
      labels: { [organizationLabel]: name },
      data: toSecretData(credentials),
      ownerUid: uid,
      isOwn: (secret) => isCredentialsOf(secret, identity),
    });
    return undefined;
  } catch (error) {
    if (error instanceof ClusterError && (error.code === 'conflict' || error.code === 'refused')) return error;
    throw error;
  }
}

async function applySigningKeys(
  cluster: Cluster,
  gathered: GatheredOrganization,
  { signingKeys: keys, master }: { readonly signingKeys: readonly TokenKey[]; readonly master: NamespaceMaster },
  tokenLifetime: string,
) {
  const { name, uid } = identityOf(gathered);
  await cluster.applySecret({
    namespace: gathered.operatorNamespace,
    name: signingSecretName(name),
    labels: { [organizationLabel]: name },
    data: {
      'keys.json': JSON.stringify({ keys }),
      'token-lifetime': tokenLifetime,
      [masterFile]: JSON.stringify(master),
    },
    ownerUid: uid,
    isOwn: (secret) => isSigningSecretOf(gathered, secret),
  });
}

async function generateSigningKey(): Promise<TokenKey> {
  const { privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: 'EdDSA', use: 'sig' };
}

/** RFC 8037: `d` is the private part of an octet key pair. Only the operator needs the ages. */
function publicPart({ d: _, iat: __, used_from: ___, ...jwk }: TokenKey): JWK {
  return jwk;
}

function sharedKey(secret: string | undefined): JWK[] {
  if (secret === undefined) return [];
  return [{ kty: 'oct', k: secret, alg: 'HS256', kid: sharedSecretKeyId, use: 'sig' }];
}

async function issueLogin(db: Queryable, id: string): Promise<Login> {
  const password = randomBytes(24).toString('base64url');
  return { role: await ensureOrganizationRole(db, id, password), password };
}
