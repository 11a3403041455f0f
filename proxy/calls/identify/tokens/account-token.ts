import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { type JWK, jwtVerify, SignJWT } from 'jose';
import type { OrganizationSpec } from '../../../../crds/resources.generated.ts';
import type { Envelope } from '../../../../database/envelope.ts';
import type { VerifyToken } from './token.ts';

/** The issuer of the tokens that people get by logging in. Their audience is the organization's id. */
export const accountIssuer = 'chaperone/accounts';

const algorithm = 'EdDSA';
/** What is before the 32 bytes of an Ed25519 key in PKCS #8 (RFC 8410, section 7). */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Signs and verifies tokens of logins. Every proxy of an organization has the same key. */
export interface AccountKey {
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly publicKey: JWK;
}

/** Derives the key, so that whoever answers a login signs what every other proxy accepts. */
export function accountKeyOf(envelope: Pick<Envelope, 'lastingKey'>, organizationId: string): AccountKey {
  const seed = envelope.lastingKey(organizationId, 'account tokens');
  const privateKey = createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: 'der', type: 'pkcs8' });
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' });
  const id = createHash('sha256').update(String(jwk.x)).digest('base64url');
  return { id, privateKey, publicKey: { ...jwk, kid: id, alg: algorithm, use: 'sig' } };
}

export interface AccountToken {
  readonly tokenId: string;
  readonly loginId: string;
  readonly user: string;
  readonly roles: readonly string[];
  readonly issuedAtS: number;
  readonly expiresAtS: number;
}

export function signAccountToken({ id, privateKey }: AccountKey, organizationId: string, token: AccountToken) {
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

/** The accounts in force, and the key that signs their tokens. */
export interface AccountTokens {
  readonly publicKey: JWK;
  readonly accounts: readonly Account[];
}

/** Undefined where the organization states no account: then no such token is accepted. */
export function accountTokensOf(
  { authentication }: Pick<OrganizationSpec, 'authentication'>,
  envelope: Pick<Envelope, 'lastingKey'>,
  organizationId: string,
): AccountTokens | undefined {
  const { accounts = [] } = authentication ?? {};
  if (accounts.length === 0) return undefined;
  return { publicKey: accountKeyOf(envelope, organizationId).publicKey, accounts };
}

/** Makes the verifier of tokens of logins. */
export function makeAccountVerifier(
  { publicKey }: AccountTokens,
  { organizationId, leewayS }: { readonly organizationId: string; readonly leewayS: number },
): VerifyToken {
  const claims = {
    ...{ algorithms: [algorithm], issuer: accountIssuer, audience: organizationId, clockTolerance: leewayS },
    requiredClaims: ['exp', 'sub', 'sid', 'jti'],
  };
  return async (token) => {
    const { payload } = await jwtVerify(token, publicKey, claims);
    return { payload, keyId: publicKey.kid };
  };
}
