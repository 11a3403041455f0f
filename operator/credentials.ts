import type { JSONWebKeySet, JWK } from 'jose';
import { requireText } from '../crds/text.ts';
import type { DataKeySet, NamespaceKeySet } from '../database/envelope.ts';
import type { Secret } from './cluster/cluster.ts';
import type { NamespaceMaster } from './namespace-keys.ts';

/** Where the operator keeps what no tenant may read: always so on one machine, and in a cluster unless told otherwise. */
export const operatorNamespace = 'chaperone-system';

/** The Secret with what a proxy of the organization needs: the operator's own copy, and one in each member namespace. */
export function credentialsSecretName(organization: string): string {
  return `chaperone-${organization}`;
}

/**
 * The Secret with what the operator alone may have, in its namespace only: the organization's private token keys, and the
 * master that its namespaces' keys are derived from.
 */
export function signingSecretName(organization: string): string {
  return `chaperone-${organization}-signing-keys`;
}

/** The Secret with a binding's synthetic key, beside the binding. */
export function syntheticKeySecretName(binding: string): string {
  return `${binding}-synthetic-key`;
}

/** The Secret with the certificates of the operator's webhooks, in its namespace. */
export const webhookCertificateSecretName = 'chaperone-webhook-tls';

/** The Secret with the key by which API servers are known, in the operator's namespace. */
export const webhookKeySecretName = 'chaperone.webhook-key';

/**
 * Whether an Organization's credentials would have the name of another Secret of the operator's: an Organization
 * `globex-signing-keys` that of globex's signing keys, an Organization `x-synthetic-key` that of the synthetic key of a
 * binding `chaperone-x`. A rule in crds/organizations.yaml refuses such names to new Organizations.
 */
export function isReservedOrganizationName(name: string): boolean {
  return (
    /(-signing-keys|(^|-)synthetic-key)$/.test(name) || credentialsSecretName(name) === webhookCertificateSecretName
  );
}

/** A token key with when it was issued (`iat`) and first used (`used_from`), in seconds since 1970. */
export type TokenKey = JWK & { readonly iat?: number; readonly used_from?: number };

/** The keys of a credentials Secret, each a file for the proxy (proxy/credentials.ts reads them). */
export interface OrganizationCredentials {
  readonly organization: { readonly id: string; readonly name: string };
  readonly databaseUrl: string;
  readonly jwks: JSONWebKeySet;
  readonly dataKeys: DataKeySet;
  /** Of the namespace whose Secret it is; on one machine, where one proxy serves them all, of every member namespace. */
  readonly namespaceKeys?: readonly NamespaceKeySet[];
  /** When the password in the database URL was issued, in seconds since 1970. */
  readonly loginIssuedAtS: number;
  /** Where the organization accepts tokens of its member namespaces' service accounts. */
  readonly serviceAccounts?: ServiceAccountTokens;
}

/** Which tokens of service accounts are accepted (proxy/calls/identify/tokens/service-account-token.ts checks them). */
export interface ServiceAccountTokens {
  readonly issuer: string;
  readonly jwks: JSONWebKeySet;
  readonly audience: string;
  readonly namespaces: readonly string[];
}

const serviceAccountsFile = 'service-accounts.json';

/** The keys without which a proxy does not start, or opens nothing. */
export const filesOfProxies = [
  'organization.json',
  'database-url',
  'jwks.json',
  'data-keys.json',
  'namespace-keys.json',
];

export function toSecretData(credentials: OrganizationCredentials): Record<string, string> {
  return {
    'organization.json': JSON.stringify(credentials.organization),
    'database-url': credentials.databaseUrl,
    'jwks.json': JSON.stringify(credentials.jwks),
    'data-keys.json': JSON.stringify(credentials.dataKeys),
    ...(credentials.namespaceKeys && { 'namespace-keys.json': JSON.stringify(credentials.namespaceKeys) }),
    'login-issued-at': String(credentials.loginIssuedAtS),
    ...(credentials.serviceAccounts && { [serviceAccountsFile]: JSON.stringify(credentials.serviceAccounts) }),
  };
}

/** What a credentials Secret holds; undefined where it is absent or has been tampered with beyond reading. */
export function readCredentialsSecret(secret: Secret | undefined): OrganizationCredentials | undefined {
  if (!secret) return undefined;
  try {
    return {
      organization: JSON.parse(textOf(secret, 'organization.json')),
      databaseUrl: textOf(secret, 'database-url'),
      jwks: JSON.parse(textOf(secret, 'jwks.json')),
      dataKeys: JSON.parse(textOf(secret, 'data-keys.json')),
      loginIssuedAtS: Number(textOf(secret, 'login-issued-at')),
      ...(secret.data[serviceAccountsFile] && { serviceAccounts: JSON.parse(textOf(secret, serviceAccountsFile)) }),
    };
  } catch {
    return undefined;
  }
}

/** The private keys, the signing one first. */
export function readSigningKeys(secret: Secret | undefined): TokenKey[] {
  if (!secret) return [];
  try {
    return (JSON.parse(textOf(secret, 'keys.json')) as { keys: TokenKey[] }).keys;
  } catch {
    return [];
  }
}

/** The master of the namespaces' keys, beside the signing keys. */
export function readNamespaceMaster(secret: Secret | undefined): NamespaceMaster | undefined {
  if (!secret?.data[masterFile]) return undefined;
  try {
    return JSON.parse(textOf(secret, masterFile)) as NamespaceMaster;
  } catch {
    return undefined;
  }
}

export const masterFile = 'namespace-master.json';

/** A Secret's value as text. @throws {RangeError} where the key is missing, or is no UTF-8 */
export function textOf(secret: Secret, key: string): string {
  const value = secret.data[key];
  if (value === undefined) throw new RangeError(`Secret ${secret.metadata.name} has no key "${key}"`);
  return requireText(value, `Key "${key}" of Secret ${secret.metadata.name}`);
}
