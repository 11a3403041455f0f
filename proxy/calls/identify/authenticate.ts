import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { decodeJwt, decodeProtectedHeader, errors, type JSONWebKeySet, type JWTPayload } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import { parseDurationMs } from '../../../crds/duration.ts';
import { userIdOf } from '../../../database/ids.ts';
import { ProxyError } from '../../error.ts';
import { isRevoked, type RevocableToken } from '../../snapshot/revocations.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { Identity } from '../call.ts';
import { type AccountTokens, accountIssuer, makeAccountVerifier } from './tokens/account-token.ts';
import { readCredential } from './tokens/credential.ts';
import { type Issuer, makeIssuerVerifier } from './tokens/issuer-token.ts';
import type { Issuers } from './tokens/issuers.ts';
import { makeOwnVerifier, makeSharedSecretVerifier, ownIssuer } from './tokens/own-token.ts';
import { makeTokenRefusalLog } from './tokens/refusal-log.ts';
import { makeServiceAccountVerifier, type ServiceAccountTokens } from './tokens/service-account-token.ts';
import type { VerifyToken } from './tokens/token.ts';
import { isUserId } from './user-id.ts';

export interface Authenticator {
  /**
   * Finds the caller. It is synchronous for a known token or a synthetic key.
   *
   * @throws {ProxyError} `invalid_credentials`, `issuer_unavailable`; `no_api_key` where the key's binding was deleted
   * or is inactive
   */
  authenticate(headers: IncomingHttpHeaders, snapshot: Snapshot): Identity | Promise<Identity>;
}

/** The rules for checking tokens. */
export interface TokenRules {
  /** The organization's own keys, and its shared secret where it has one. */
  readonly jwks: JSONWebKeySet;
  readonly issuers?: readonly Issuer[] | undefined;
  /** How far clocks may differ, as a duration. Absent: 30s. */
  readonly leeway?: string | undefined;
  readonly serviceAccounts?: ServiceAccountTokens | undefined;
  /** The accounts that log in with a password. */
  readonly accounts?: AccountTokens | undefined;
}

export interface AuthenticatorOptions {
  readonly organizationId: string;
  readonly issuers: Issuers;
  readonly log: Pick<Logger, 'warn'>;
}

/**
 * Makes authenticators. While the rules are unchanged it returns the same one, so verified tokens survive other edits.
 */
export function makeAuthenticators(options: AuthenticatorOptions): (rules: TokenRules) => Authenticator {
  let last: { readonly rules: TokenRules; readonly authenticator: Authenticator } | undefined;
  return (rules) => {
    if (last && isDeepStrictEqual(last.rules, rules)) return last.authenticator;
    options.issuers.retain(rules.issuers ?? []);
    last = { rules, authenticator: makeAuthenticator(options, rules) };
    return last.authenticator;
  };
}

/** A verified token, with the facts for revocations. */
interface Verified extends RevocableToken {
  readonly kind: string;
  readonly identity: Identity;
  readonly expiresAtMs: number;
  readonly isCurrent: (() => boolean) | undefined;
}

/** A kind of tokens: how they are verified, and whom they identify. */
interface TokenKind {
  readonly name: string;
  readonly verify: VerifyToken;
  readonly identityOf: (payload: JWTPayload) => Identity;
}

function makeAuthenticator({ organizationId, issuers, log }: AuthenticatorOptions, rules: TokenRules): Authenticator {
  const { jwks, serviceAccounts, accounts } = rules;
  const leewayMs = parseDurationMs(rules.leeway ?? '30s');
  const options = { organizationId, leewayS: leewayMs / 1_000 };
  const identityOf = (payload: JWTPayload) => toIdentity(payload, organizationId);
  const kinds = new Map<string, TokenKind>();
  kinds.set(ownIssuer, { name: ownIssuer, verify: makeOwnVerifier(jwks, options), identityOf });
  for (const issuer of rules.issuers ?? []) {
    const verify = makeIssuerVerifier(issuer, issuers.keysOf(issuer), options);
    kinds.set(issuer.issuer, { name: issuer.issuer, verify, identityOf });
  }
  // This must come last: if the same issuer were also named above, its tokens would not be limited to member
  // namespaces.
  if (serviceAccounts) {
    const verify = makeServiceAccountVerifier(serviceAccounts, options.leewayS);
    kinds.set(serviceAccounts.issuer, { name: serviceAccounts.issuer, verify, identityOf: toAccount });
  }
  // No other issuer can have this name, which is no URL.
  if (accounts) {
    const verify = makeAccountVerifier(accounts, options);
    kinds.set(accountIssuer, { name: accountIssuer, verify, identityOf: makeToAccountHolder(accounts) });
  }
  const verifyShared = makeSharedSecretVerifier(jwks, options);
  const shared = verifyShared && { name: 'shared secret', verify: verifyShared, identityOf };
  const seen = new LRUCache<string, Verified>({ max: 10_000 });
  const refused = makeTokenRefusalLog(log);

  const verify = async (token: string): Promise<Verified> => {
    let kind: TokenKind | undefined;
    try {
      const { alg, kid } = decodeProtectedHeader(token);
      kind = alg === 'HS256' ? shared : kinds.get(decodeJwt(token).iss ?? '');
      if (!kind) throw new Error('The issuer or the algorithm is not accepted');
      const verified = await kind.verify(token, {
        ...(typeof alg === 'string' && { alg }),
        ...(typeof kid === 'string' && { kid }),
      });
      const { payload } = verified;
      const identity = kind.identityOf(payload);
      const user = identity.user ?? identity.defaultUser;
      const known: Verified = {
        kind: kind.name,
        identity,
        expiresAtMs: (payload.exp ?? 0) * 1_000 + leewayMs,
        isCurrent: verified.isCurrent,
        tokenId: payload.jti,
        loginId: identity.loginId,
        keyId: kind.name === ownIssuer ? verified.keyId : undefined,
        userId: user === undefined ? undefined : userIdOf(organizationId, user),
        issuedAtMs: (payload.iat ?? 0) * 1_000,
      };
      seen.set(token, known);
      return known;
    } catch (cause) {
      if (cause instanceof ProxyError) throw cause;
      refused(kind?.name, cause);
      throw notBelieved(token, cause);
    }
  };

  const admit = (token: Verified, { revocations }: Snapshot): Identity => {
    if (!isRevoked(token, revocations)) return token.identity;
    const cause = new Error('The token has been revoked');
    refused(token.kind, cause);
    throw new ProxyError('invalid_credentials', { message: 'the token has been revoked; get a new one', cause });
  };

  return {
    authenticate(headers, snapshot) {
      const credential = readCredential(headers);
      if (credential.startsWith('chp_')) return synthetic(credential, snapshot);
      if (/^[sp]k_/.test(credential)) return ofAccessKey(credential, snapshot);
      const known = seen.get(credential);
      if (known && known.expiresAtMs > Date.now() && (known.isCurrent?.() ?? true)) return admit(known, snapshot);
      return verify(credential).then((verified) => admit(verified, snapshot));
    },
  };
}

/**
 * The error for a token that is not accepted. It says only what the holder may know: its form, and facts that are
 * checked after the signature.
 */
function notBelieved(token: string, cause: unknown): ProxyError {
  if (cause instanceof errors.JWTExpired) {
    return new ProxyError('invalid_credentials', { message: 'the token has expired; get a new one', cause });
  }
  if (token.split('.').length === 3) return new ProxyError('invalid_credentials', { cause });
  const message = 'this is neither a token nor a key chp_… of Chaperone; the key of a provider stays in its Secret';
  return new ProxyError('invalid_credentials', { message, cause });
}

/** A workload calls as itself, or as the user that it names. */
function toAccount({ sub }: JWTPayload): Identity {
  // Verified: `system:serviceaccount:<namespace>:<name>`.
  return { user: undefined, defaultUser: sub, namespace: sub?.split(':')[2], roles: [] };
}

/** The account may have gone since, or have other roles. */
function makeToAccountHolder({ accounts }: AccountTokens): (payload: JWTPayload) => Identity {
  const known = new Map(accounts.map((account) => [account.user, account]));
  return ({ sub = '', sid }) => {
    const account = known.get(sub);
    if (!account || typeof sid !== 'string') throw new Error('The organization has no such account');
    return { user: account.user, roles: account.roles ?? [], loginId: sid };
  };
}

/** A token whose subject is the organization itself names no user. */
function toIdentity({ sub, roles }: JWTPayload, organizationId: string): Identity {
  const user = sub === undefined || sub === '' || sub === organizationId ? undefined : sub;
  if (user !== undefined && !isUserId(user)) throw new Error('The token names a user that no call could name');
  return { user, roles: rolesOf(roles) };
}

/**
 * Empty where the token has no claim: then the organization's default roles apply. A claim that names no role, such as
 * an issuer's `[]`, gives the lowest role, so that it cannot become an admin.
 */
function rolesOf(claim: unknown): readonly string[] {
  if (claim === undefined) return [];
  const roles = Array.isArray(claim) ? claim.filter((role) => typeof role === 'string') : [];
  return roles.length > 0 ? roles : ['member'];
}

function ofAccessKey(text: string, { accessKeys }: Snapshot): Identity {
  const found = accessKeys.byDigest.get(hash('sha256', text, 'hex'));
  if (!found || found.validUntilMs <= Date.now()) throw new ProxyError('invalid_credentials');
  return { user: undefined, accessKey: found.key, roles: found.key.roles };
}

function synthetic(key: string, snapshot: Snapshot): Identity {
  const digest = hash('sha256', key, 'hex');
  const bound = snapshot.syntheticKeys.get(digest);
  if (bound && bound.expiresAtMs > Date.now()) {
    const { user, namespace, roles } = bound;
    return { user, namespace, roles };
  }
  if (!snapshot.withdrawnKeys.has(digest)) throw new ProxyError('invalid_credentials');
  const message =
    'the ApiKeyBinding of this key chp_… is not Ready, or it is gone; where another one is Ready, start the pod anew';
  throw new ProxyError('no_api_key', { message });
}
