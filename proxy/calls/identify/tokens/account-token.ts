import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { type JWK, jwtVerify, SignJWT } from 'jose';
import { parseDurationMs } from '../../../../crds/duration.ts';
import type { OrganizationSpec } from '../../../../crds/resources.generated.ts';
import type { Envelope } from '../../../../database/envelope.ts';
import type { VerifyToken } from './token.ts';

/** The issuer of the tokens that people get by logging in. Their audience is the organization's id. */
export const accountIssuer = 'chaperone/accounts';

const algorithm = 'EdDSA';
/** What is before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410, section 7). */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Signs and verifies tokens of logins. Every proxy of an organization has the same keys. */
export interface AccountKey {
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly publicKey: JWK;
  /** From when another key signs in its place. Undefined: none does yet. */
  readonly replacedAtS: number | undefined;
}

/**
 * Derives the keys, so that whoever answers a login signs what every other proxy accepts. The first one signs. There is one
 * of each data key, so that replacing a data key that leaked ends what others can sign with it.
 */
export function accountKeysOf(envelope: Pick<Envelope, 'derivedKeys'>, organizationId: string): AccountKey[] {
  return envelope.derivedKeys(organizationId, 'account tokens').map(({ key, replacedAtS }) => {
    const privateKey = createPrivateKey({ key: Buffer.concat([pkcs8Head, key]), format: 'der', type: 'pkcs8' });
    const jwk = createPublicKey(privateKey).export({ format: 'jwk' });
    const id = createHash('sha256').update(String(jwk.x)).digest('base64url');
    return { id, privateKey, publicKey: { ...jwk, kid: id, alg: algorithm, use: 'sig' }, replacedAtS };
  });
}

export interface AccountToken {
  readonly tokenId: string;
  readonly loginId: string;
  readonly user: string;
  readonly roles: readonly string[];
  readonly issuedAtS: number;
  readonly expiresAtS: number;
}

export function signAccountToken(
  { id, privateKey }: Pick<AccountKey, 'id' | 'privateKey'>,
  organizationId: string,
  token: AccountToken,
) {
  const { tokenId, loginId, user, roles, issuedAtS, expiresAtS } = token;
  return new SignJWT({ roles, sid: loginId })
    .setProtectedHeader({ alg: algorithm, kid: id, typ: 'JWT' })
    .setIssuer(accountIssuer)
    .setAudience(organizationId)
    .setSubject(user)
    .setJti(tokenId)
    .setIssuedAt(issuedAtS)
    .setExpirationTime(expiresAtS)
    .sign(privateKey);
}

type Account = NonNullable<NonNullable<OrganizationSpec['authentication']>['accounts']>[number];

/** The accounts in force, and the keys that sign their tokens. */
export interface AccountTokens {
  readonly keys: readonly AcceptedKey[];
  readonly accounts: readonly Account[];
}

interface AcceptedKey {
  readonly publicKey: JWK;
  /** The latest `exp` of a token that was signed while the key was used. Undefined: it is still used. */
  readonly lastExpiryS: number | undefined;
}

/** Proxies do not all learn at once that another data key is used. */
const changeoverS = 600;

/** Undefined where the organization states no account: then no such token is accepted. */
export function accountTokensOf(
  { authentication }: Pick<OrganizationSpec, 'authentication'>,
  envelope: Pick<Envelope, 'derivedKeys'>,
  organizationId: string,
): AccountTokens | undefined {
  const { accounts = [] } = authentication ?? {};
  if (accounts.length === 0) return undefined;
  const tokenS = loginTokenMs({ authentication }) / 1_000;
  const keys = accountKeysOf(envelope, organizationId).map(({ publicKey, replacedAtS }) => ({
    publicKey,
    lastExpiryS: replacedAtS === undefined ? undefined : replacedAtS + tokenS + changeoverS,
  }));
  return { keys, accounts };
}

/** How long a token of a login is valid, in milliseconds. */
export function loginTokenMs({ authentication }: Pick<OrganizationSpec, 'authentication'>): number {
  return parseDurationMs(authentication?.logins?.tokenLifetime ?? '1h');
}

/** Makes the verifier of tokens of logins. */
export function makeAccountVerifier(
  { keys }: Pick<AccountTokens, 'keys'>,
  { organizationId, leewayS }: { readonly organizationId: string; readonly leewayS: number },
): VerifyToken {
  const claims = {
    ...{ algorithms: [algorithm], issuer: accountIssuer, audience: organizationId, clockTolerance: leewayS },
    requiredClaims: ['exp', 'sub', 'sid', 'jti'],
  };
  const byId = new Map(keys.map((key) => [key.publicKey.kid, key]));
  return async (token, { kid }) => {
    const key = byId.get(kid);
    if (!key) throw new Error('No data key of the organization has signed the token');
    const { publicKey, lastExpiryS = Number.POSITIVE_INFINITY } = key;
    const { payload } = await jwtVerify(token, publicKey, claims);
    if ((payload.exp ?? 0) > lastExpiryS) throw new Error('The key of the token was replaced before it was signed');
    return { payload, keyId: publicKey.kid };
  };
}
