import { type JSONWebKeySet, jwtVerify } from 'jose';
import { candidatesOf, makeKeySet, verifyByAny } from './key-set.ts';
import type { VerifyToken } from './token.ts';

/** The issuer of the tokens that Chaperone itself signs. Their audience is the organization's id. */
export const ownIssuer = 'chaperone';

interface OwnTokenOptions {
  readonly organizationId: string;
  readonly leewayS: number;
}

/** Makes the verifier of the organization's own tokens. */
export function makeOwnVerifier(jwks: JSONWebKeySet, { organizationId, leewayS }: OwnTokenOptions): VerifyToken {
  const keySet = makeKeySet(jwks);
  const claims = { issuer: ownIssuer, audience: organizationId, clockTolerance: leewayS, requiredClaims: ['exp'] };
  return async (token, hint) => {
    const verified = await verifyByAny(token, candidatesOf(keySet, hint), claims);
    if (verified) return verified;
    throw new Error('None of the organization’s keys has signed it');
  };
}

/**
 * Makes the verifier of tokens from the system that an organization migrates from. They are signed with its shared
 * secret, often without issuer or audience. Where a token has these, they must be ours.
 *
 * @returns undefined where there is no shared secret
 */
export function makeSharedSecretVerifier(
  jwks: JSONWebKeySet,
  { organizationId, leewayS }: OwnTokenOptions,
): VerifyToken | undefined {
  const shared = jwks.keys.find((key) => key.kty === 'oct');
  if (!shared?.k) return undefined;
  const secret = Buffer.from(shared.k, 'base64url');
  const claims = { algorithms: ['HS256'], clockTolerance: leewayS, requiredClaims: ['exp'] };
  return async (token) => {
    const { payload } = await jwtVerify(token, secret, claims);
    const audiences = payload.aud === undefined ? [] : [payload.aud].flat();
    if (payload.iss !== undefined && payload.iss !== ownIssuer) throw new Error('The issuer is not accepted');
    if (audiences.length > 0 && !audiences.includes(organizationId)) throw new Error('The audience is not accepted');
    return { payload, keyId: shared.kid };
  };
}
