import { errors, type JSONWebKeySet, type JWK, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';

const rsa = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'] as const;
/** By type and curve. */
const byCurve: ReadonlyMap<string, readonly string[]> = new Map([
  ['EC P-256', ['ES256']],
  ['EC P-384', ['ES384']],
  ['EC P-521', ['ES512']],
  // RFC 9864 gives EdDSA with this curve its own name.
  ['OKP Ed25519', ['EdDSA', 'Ed25519']],
]);

/** A key whose signatures are accepted. */
export interface TokenKey {
  readonly id: string | undefined;
  readonly jwk: JWK;
  /** The algorithms of its signatures. The key decides them, never the token. */
  readonly algorithms: readonly string[];
}

export interface KeySet {
  readonly keys: readonly TokenKey[];
  /** The unusable keys, each with a reason, without symmetric keys and keys for encryption. */
  readonly unusable: readonly string[];
}

/** A token's header about its key. */
export interface KeyHint {
  readonly alg?: string;
  readonly kid?: string;
}

/** How many keys are tried for a token without `kid`, so that nonsense causes little work. */
const mostTried = 8;

/**
 * Reads a key set (RFC 7517). Only key pairs are used: a secret that verifies also signs. An issuer's keys may have
 * fields of any type.
 */
export function makeKeySet({ keys }: JSONWebKeySet): KeySet {
  const usable: TokenKey[] = [];
  const unusable: string[] = [];
  for (const jwk of keys) {
    const { kty, use, key_ops: uses } = jwk;
    if (kty === 'oct' || use === 'enc' || (Array.isArray(uses) && !uses.includes('verify'))) continue;
    const algorithms = algorithmsOf(jwk);
    if (algorithms.length > 0) usable.push({ id: jwk.kid, jwk, algorithms });
    else unusable.push(describeKey(jwk));
  }
  return { keys: usable, unusable };
}

function describeKey({ kid, kty, alg, crv }: JWK): string {
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  const algorithm = text(alg) ?? text(crv) ?? 'no algorithm';
  return `${text(kid) ?? 'a key without id'} (${text(kty) ?? 'no type'}, ${algorithm})`;
}

/** The algorithms of a key. Empty where its fields are not what RFC 7517 says. */
function algorithmsOf({ kid, key_ops: uses, kty, alg, crv }: JWK): readonly string[] {
  if (kid !== undefined && typeof kid !== 'string') return [];
  if (uses !== undefined && !Array.isArray(uses)) return [];
  const possible = kty === 'RSA' ? rsa : (byCurve.get(`${kty} ${crv}`) ?? []);
  return alg === undefined ? possible : possible.filter((one) => one === alg);
}

/** The keys that may have signed a token, by its header. */
export function candidatesOf({ keys }: KeySet, { alg = '', kid }: KeyHint): readonly TokenKey[] {
  const matching = keys.filter(({ id, algorithms }) => algorithms.includes(alg) && (kid === undefined || id === kid));
  return matching.slice(0, mostTried);
}

/**
 * Verifies a token with the first key that fits.
 *
 * @returns undefined where none has signed it
 * @throws where one of them signed the token, but its claims are invalid
 */
export async function verifyByAny(
  token: string,
  keys: readonly TokenKey[],
  claims: JWTVerifyOptions,
): Promise<{ readonly payload: JWTPayload; readonly keyId: string | undefined } | undefined> {
  for (const { id, jwk, algorithms } of keys) {
    try {
      const { payload } = await jwtVerify(token, jwk, { ...claims, algorithms: [...algorithms] });
      return { payload, keyId: id };
    } catch (error) {
      // An unusable key, such as one that is too short, has signed nothing.
      const isOther = error instanceof errors.JWSSignatureVerificationFailed || !(error instanceof errors.JOSEError);
      if (!isOther) throw error;
    }
  }
  return undefined;
}
