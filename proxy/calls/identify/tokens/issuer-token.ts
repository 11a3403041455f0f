import type { JWTPayload } from 'jose';
import type { Snapshot } from '../../../snapshot/snapshot.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { verifyByAny } from './key-set.ts';
import type { VerifyToken } from './token.ts';

export type Issuer = NonNullable<NonNullable<Snapshot['spec']['authentication']>['issuers']>[number];

/**
 * Makes the verifier of an OpenID Connect issuer's tokens.
 *
 * @returns a function that resolves to the claims, with the user in `sub`
 */
export function makeIssuerVerifier(
  { issuer, audiences, userClaim }: Issuer,
  keys: IssuerKeys,
  { organizationId, leewayS }: { readonly organizationId: string; readonly leewayS: number },
): VerifyToken {
  const claims = {
    ...{ issuer, audience: [...audiences], clockTolerance: leewayS },
    requiredClaims: ['exp', userClaim],
  };
  const verify: VerifyToken = async (token, hint) => {
    const candidates = await keys.candidates(hint);
    const version = keys.version();
    const verified = await verifyByAny(token, candidates, claims);
    if (verified) {
      const payload = { ...verified.payload, sub: userOf(verified.payload, userClaim, organizationId) };
      return { payload, keyId: verified.keyId, isCurrent: () => keys.isCurrent(version) };
    }
    // Without a key id, only the signature shows that the key is new.
    if (hint.kid === undefined && candidates.length > 0 && (await keys.renew())) return verify(token, hint);
    throw new Error('None of the issuer’s keys has signed it');
  };
  return verify;
}

/**
 * Only our own tokens may name no user: a person who can influence an issuer's claims must not be able to call as
 * everyone.
 */
function userOf(payload: JWTPayload, userClaim: string, organizationId: string): string {
  // As in kube-apiserver: a person who can enter any email address must not be able to call as its owner.
  if (userClaim === 'email' && payload.email_verified !== undefined && payload.email_verified !== true) {
    throw new Error('The issuer has not verified the email address (email_verified)');
  }
  const claim = payload[userClaim];
  const user = typeof claim === 'number' ? String(claim) : claim;
  if (typeof user === 'string' && user !== '' && user !== organizationId) return user;
  throw new Error('The token names no user');
}
