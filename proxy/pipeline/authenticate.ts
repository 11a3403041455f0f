import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeJwt,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';
import { LRUCache } from 'lru-cache';
import { ProxyError } from '../error.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { Identity } from './call.ts';

/** The issuer of the tokens that Chaperone itself signs. Their audience is the organization's id. */
export const ownIssuer = 'chaperone';

/** What the organization's own tokens may be signed with; the algorithm is fixed by the key, never by the token. */
const algorithms = ['EdDSA', 'ES256', 'RS256', 'HS256'];

/** A symmetric key from an issuer's public key set would let anyone sign. */
const issuerAlgorithms = ['EdDSA', 'ES256', 'RS256'];

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
): Authenticator {
  const ownKeys = createLocalJWKSet(jwks);
  const verifiers = new Map<string, (token: string) => Promise<JWTPayload>>();
  verifiers.set(ownIssuer, verifier(ownKeys, { issuer: ownIssuer, audience: organizationId, algorithms }));
  for (const { issuer, audiences, jwksUri, userClaim } of issuers ?? []) {
    const keys = createRemoteJWKSet(new URL(jwksUri), { timeoutDuration: 5_000 });
    const verify = verifier(keys, { issuer, audience: [...audiences], algorithms: issuerAlgorithms });
    verifiers.set(issuer, async (token) => {
      const payload = await verify(token);
      return { ...payload, sub: String(payload[userClaim ?? 'sub'] ?? '') };
    });
  }
  const seen = new LRUCache<string, Verified>({ max: 10_000 });

  const verify = async (token: string): Promise<Identity> => {
    try {
      const check = verifiers.get(decodeJwt(token).iss ?? '');
      if (!check) throw new Error('The issuer is not accepted');
      const payload = await check(token);
      const identity = identityOf(payload);
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

function verifier(
  keys: JWTVerifyGetKey,
  claims: { issuer: string; audience: string | string[]; algorithms: string[] },
) {
  return async (token: string) => (await jwtVerify(token, keys, { ...claims, requiredClaims: ['exp'] })).payload;
}

function identityOf(payload: JWTPayload): Identity {
  const { sub, roles } = payload;
  return {
    user: sub === undefined || sub === '' ? undefined : sub,
    roles: Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : [],
  };
}

function synthetic(key: string, snapshot: Snapshot): Identity {
  const bound = snapshot.syntheticKeys.get(hash('sha256', key, 'hex'));
  if (!bound || bound.expiresAtMs <= Date.now()) throw new ProxyError('invalid_credentials');
  return { user: bound.user, roles: [] };
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
