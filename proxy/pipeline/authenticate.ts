import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
} from 'jose';
import { LRUCache } from 'lru-cache';
import { ProxyError } from '../error.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { Identity } from './call.ts';
import { makeServiceAccountVerifier, type ServiceAccountTokens } from './service-account-token.ts';
import { isUserId } from './user-id.ts';

/** The issuer of the tokens that Chaperone itself signs. Their audience is the organization's id. */
export const ownIssuer = 'chaperone';

/** Signatures by key pairs only. A key set's `alg` or curve fixes which of them a key is for. */
const algorithms = ['EdDSA', 'ES256', 'RS256'];

export interface Authenticator {
  /**
   * Who is calling. Synchronous where the token has been seen before or is a synthetic key.
   *
   * @throws {ProxyError} `invalid_credentials`
   */
  authenticate(headers: IncomingHttpHeaders, snapshot: Snapshot): Identity | Promise<Identity>;
}

interface Verified {
  readonly identity: Identity;
  readonly expiresAtMs: number;
}

/**
 * Makes the first step of the pipeline, for one set of keys: when the keys or the configuration's issuers change, make
 * a new one, and with it goes what it remembered.
 */
export function makeAuthenticator(
  organizationId: string,
  jwks: JSONWebKeySet,
  issuers: NonNullable<Snapshot['spec']['authentication']>['issuers'],
  serviceAccounts?: ServiceAccountTokens,
): Authenticator {
  const identified =
    (check: Verify): Identify =>
    async (token) => {
      const payload = await check(token);
      return { payload, identity: identityOf(payload, organizationId) };
    };
  const verifiers = new Map<string, Identify>();
  verifiers.set(ownIssuer, identified(ownVerifier(jwks, organizationId)));
  for (const issuer of issuers ?? []) verifiers.set(issuer.issuer, identified(issuerVerifier(issuer, organizationId)));
  // Last: were the same issuer named above too, its tokens would not be bound to the member namespaces.
  if (serviceAccounts) verifiers.set(serviceAccounts.issuer, identifiedAsAccount(serviceAccounts));
  const shared = sharedSecretVerifier(jwks, organizationId);
  const verifyShared = shared && identified(shared);
  const seen = new LRUCache<string, Verified>({ max: 10_000 });

  const verify = async (token: string): Promise<Identity> => {
    try {
      const isShared = decodeProtectedHeader(token).alg === 'HS256';
      const check = isShared ? verifyShared : verifiers.get(decodeJwt(token).iss ?? '');
      if (!check) throw new Error('The issuer or the algorithm is not accepted');
      const { payload, identity } = await check(token);
      seen.set(token, { identity, expiresAtMs: (payload.exp ?? 0) * 1_000 });
      return identity;
    } catch (cause) {
      throw new ProxyError('invalid_credentials', { cause });
    }
  };

  return {
    authenticate(headers, snapshot) {
      const credential = readCredential(headers);
      if (credential.startsWith('chp_')) return synthetic(credential, snapshot);
      const known = seen.get(credential);
      if (known && known.expiresAtMs > Date.now()) return known.identity;
      return verify(credential);
    },
  };
}

type Verify = (token: string) => Promise<JWTPayload>;
type Identify = (token: string) => Promise<{ readonly payload: JWTPayload; readonly identity: Identity }>;
type Issuer = NonNullable<NonNullable<Snapshot['spec']['authentication']>['issuers']>[number];

function ownVerifier(jwks: JSONWebKeySet, organizationId: string): Verify {
  const keys = createLocalJWKSet({ keys: jwks.keys.filter((key) => key.kty !== 'oct') });
  const claims = { issuer: ownIssuer, audience: organizationId, algorithms, requiredClaims: ['exp'] };
  return async (token) => (await jwtVerify(token, keys, claims)).payload;
}

/** A workload calls for itself, or for the user that it names. */
function identifiedAsAccount(tokens: ServiceAccountTokens): Identify {
  const check = makeServiceAccountVerifier(tokens);
  return async (token) => {
    const payload = await check(token);
    return { payload, identity: { user: undefined, defaultUser: payload.sub, roles: [] } };
  };
}

/** Keys are fetched when a token is not known yet, and kept. */
function issuerVerifier({ issuer, audiences, jwksUri, userClaim }: Issuer, organizationId: string): Verify {
  const keys = createRemoteJWKSet(new URL(jwksUri), { timeoutDuration: 5_000 });
  const claims = { issuer, audience: [...audiences], algorithms, requiredClaims: ['exp', userClaim] };
  return async (token) => {
    const { payload } = await jwtVerify(token, keys, claims);
    return { ...payload, sub: userOf(payload[userClaim], organizationId) };
  };
}

/** Only our own tokens may name no user: who can choose what an issuer says of them must not become everyone. */
function userOf(claim: unknown, organizationId: string): string {
  const user = typeof claim === 'number' ? String(claim) : claim;
  if (typeof user === 'string' && user !== '' && user !== organizationId) return user;
  throw new Error('The token names no user');
}

/**
 * Tokens of the system that an organization comes from: signed with its shared secret, often without issuer or audience.
 * Where a token has them, they must be ours.
 */
function sharedSecretVerifier(jwks: JSONWebKeySet, organizationId: string): Verify | undefined {
  const shared = jwks.keys.find((key) => key.kty === 'oct');
  if (!shared?.k) return undefined;
  const secret = Buffer.from(shared.k, 'base64url');
  return async (token) => {
    const { payload } = await jwtVerify(token, secret, { algorithms: ['HS256'], requiredClaims: ['exp'] });
    const audiences = payload.aud === undefined ? [] : [payload.aud].flat();
    if (payload.iss !== undefined && payload.iss !== ownIssuer) throw new Error('The issuer is not accepted');
    if (audiences.length > 0 && !audiences.includes(organizationId)) throw new Error('The audience is not accepted');
    return payload;
  };
}

/** A token whose subject is the organization itself names no user. */
function identityOf({ sub, roles }: JWTPayload, organizationId: string): Identity {
  const user = sub === undefined || sub === '' || sub === organizationId ? undefined : sub;
  if (user !== undefined && !isUserId(user)) throw new Error('The token names a user that no call could name');
  return { user, roles: rolesOf(roles) };
}

/**
 * None where the token says nothing of roles: it has the organization's default ones. One that says something which
 * names none, such as an issuer's `[]`, has the least: it must not become an admin by that.
 */
function rolesOf(claim: unknown): readonly string[] {
  if (claim === undefined) return [];
  const roles = Array.isArray(claim) ? claim.filter((role) => typeof role === 'string') : [];
  return roles.length > 0 ? roles : ['member'];
}

function synthetic(key: string, snapshot: Snapshot): Identity {
  const bound = snapshot.syntheticKeys.get(hash('sha256', key, 'hex'));
  if (!bound || bound.expiresAtMs <= Date.now()) throw new ProxyError('invalid_credentials');
  return { user: bound.user, roles: bound.roles };
}

/** The credential from any of the three headers; `Authorization` first, as the SDK sends it. */
function readCredential(headers: IncomingHttpHeaders): string {
  const { authorization } = headers;
  if (authorization !== undefined) {
    if (/^bearer /i.test(authorization)) return authorization.slice(7).trim();
    throw new ProxyError('invalid_credentials', { param: 'Authorization' });
  }
  const key = headers['x-api-key'] ?? headers['x-dashboard-key'];
  if (typeof key === 'string' && key !== '') return key;
  throw new ProxyError('invalid_credentials', { param: 'Authorization' });
}
