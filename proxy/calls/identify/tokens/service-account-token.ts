import type { JSONWebKeySet, JWTPayload } from 'jose';
import { candidatesOf, makeKeySet, verifyByAny } from './key-set.ts';
import type { VerifyToken } from './token.ts';

/**
 * Which service account tokens an organization accepts. The operator states it, so that no proxy needs an API server.
 */
export interface ServiceAccountTokens {
  /** The cluster's issuer, as in the claim `iss`. */
  readonly issuer: string;
  readonly jwks: JSONWebKeySet;
  /** The audience that a token must have. */
  readonly audience: string;
  /** The namespaces of accepted service accounts: the organization's member namespaces. */
  readonly namespaces: readonly string[];
}

/**
 * Makes the verifier of service account tokens from Kubernetes. It refuses tokens without an expiry (legacy Secrets) or
 * for another audience, such as every pod's token for the API server.
 *
 * @returns a function that resolves to the account's name, `system:serviceaccount:<namespace>:<name>`, in `sub`
 * @see
 * https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#schema-for-service-account-private-claims
 */
export function makeServiceAccountVerifier(tokens: ServiceAccountTokens, leewayS: number): VerifyToken {
  const { issuer, audience, jwks } = tokens;
  const keySet = makeKeySet(jwks);
  const namespaces = new Set(tokens.namespaces);
  const claims = { issuer, audience, clockTolerance: leewayS, requiredClaims: ['exp', 'sub', 'kubernetes.io'] };
  return async (token, hint) => {
    const verified = await verifyByAny(token, candidatesOf(keySet, hint), claims);
    if (!verified) throw new Error('None of the cluster’s keys has signed it');
    const { namespace, name } = accountOf(verified.payload);
    if (!namespaces.has(namespace)) throw new Error('The service account is of no member namespace');
    // People identify the account by the subject, and API servers by the private claims, so both must agree.
    if (verified.payload.sub !== `system:serviceaccount:${namespace}:${name}`) {
      throw new Error('The subject is another account');
    }
    return verified;
  };
}

function accountOf(payload: JWTPayload): { readonly namespace: string; readonly name: string } {
  const claim = payload['kubernetes.io'];
  const namespace = textAt(claim, 'namespace');
  const account: unknown = isObject(claim) ? claim.serviceaccount : undefined;
  const name = textAt(account, 'name');
  if (namespace === undefined || name === undefined) throw new Error('The token names no service account');
  return { namespace, name };
}

function textAt(value: unknown, key: string): string | undefined {
  const found = isObject(value) ? value[key] : undefined;
  return typeof found === 'string' ? found : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}
