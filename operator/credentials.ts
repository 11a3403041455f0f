import type { JSONWebKeySet, JWK } from 'jose';
import { requireText } from '../crds/text.ts';
import type { DataKeySet, NamespaceKeySet } from '../database/envelope.ts';
import type { Secret } from './cluster/cluster.ts';
import type { NamespaceMaster } from './namespace-keys.ts';

/** The namespace for Secrets that no tenant may read. In a cluster, another one may be set. */
export const operatorNamespace = 'chaperone-system';

/**
 * Name of the Secret with the credentials of an organization's proxies: the operator's own copy, and one in each member
 * namespace.
 */
export function credentialsSecretName(organization: string): string {
  return `chaperone-${organization}`;
}

/**
 * Name of the Secret that only the operator may have, in its own namespace: the organization's private token keys, and
 * the master key of its namespace keys.
 */
export function signingSecretName(organization: string): string {
  return `chaperone-${organization}-signing-keys`;
}

/**
 * Name of the Secret with the credentials of an organization's gateway, in the operator's namespace. The dot keeps it
 * apart from the credentials of every organization.
 */
export function gatewaySecretName(organization: string): string {
  return `chaperone.gateway-${organization}`;
}

/**
 * Name of one of the Secrets with what workers need, in the operator's namespace. The dot keeps it apart from the
 * credentials of every organization.
 */
export function workerSecretName(place: number): string {
  return `chaperone.worker-${place}`;
}

/** Name of the Secret with a binding's synthetic key, in the binding's namespace. */
export function syntheticKeySecretName(binding: string): string {
  return `${binding}-synthetic-key`;
}

/**
 * Name of the Secret with what the pods of a served model ask of their callers, in the namespace of the Organization's
 * training. The dot keeps it apart from the credentials of every organization.
 */
export function servingSecretName(deployment: string): string {
  return `chaperone.serving-${deployment}`;
}

/** Name of the Secret with the certificates of the webhooks, in the operator's namespace. */
export const webhookCertificateSecretName = 'chaperone-webhook-tls';

/** Name of the Secret with the key of the webhooks' secret paths, in the operator's namespace. */
export const webhookKeySecretName = 'chaperone.webhook-key';

/**
 * Whether an Organization's credentials Secret would have the name of another Secret of the operator. An Organization
 * `globex-signing-keys` would collide with globex's signing keys, and `x-synthetic-key` with the synthetic key of a
 * binding `chaperone-x`. A rule in crds/organizations.yaml refuses such names to new Organizations.
 */
export function isReservedOrganizationName(name: string): boolean {
  return (
    /(-signing-keys|(^|-)synthetic-key)$/.test(name) || credentialsSecretName(name) === webhookCertificateSecretName
  );
}

/** A token key with when it was issued (`iat`) and first used (`used_from`), in seconds since 1970. */
export type TokenKey = JWK & { readonly iat?: number; readonly used_from?: number };

/** The content of a credentials Secret. Each key is a file for the proxy, which proxy/credentials.ts reads. */
export interface OrganizationCredentials {
  readonly organization: { readonly id: string; readonly name: string };
  readonly databaseUrl: string;
  readonly jwks: JSONWebKeySet;
  readonly dataKeys: DataKeySet;
  /**
   * The keys of the Secret's namespace. On one machine, where one proxy serves all namespaces: the keys of every member
   * namespace.
   */
  readonly namespaceKeys?: readonly NamespaceKeySet[];
  /** When the password in the database URL was issued, in seconds since 1970. */
  readonly loginIssuedAtS: number;
  /** Set where the organization accepts service account tokens of its member namespaces. */
  readonly serviceAccounts?: ServiceAccountTokens;
}

/** Which service account tokens are accepted (proxy/calls/identify/tokens/service-account-token.ts checks them). */
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

/** Reads a credentials Secret. Undefined where it is missing or unreadable. */
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

/** Reads the private keys. The signing one is first. */
export function readSigningKeys(secret: Secret | undefined): TokenKey[] {
  if (!secret) return [];
  try {
    return (JSON.parse(textOf(secret, 'keys.json')) as { keys: TokenKey[] }).keys;
  } catch {
    return [];
  }
}

/** Reads the master of the namespace keys, which is beside the signing keys. */
export function readNamespaceMaster(secret: Secret | undefined): NamespaceMaster | undefined {
  if (!secret?.data[masterFile]) return undefined;
  try {
    return JSON.parse(textOf(secret, masterFile)) as NamespaceMaster;
  } catch {
    return undefined;
  }
}

export const masterFile = 'namespace-master.json';

/** A Secret's value as text. @throws {RangeError} where the key is missing, or the value is not UTF-8 */
export function textOf(secret: Secret, key: string): string {
  const value = secret.data[key];
  if (value === undefined) throw new RangeError(`Secret ${secret.metadata.name} has no key "${key}"`);
  return requireText(value, `Key "${key}" of Secret ${secret.metadata.name}`);
}
