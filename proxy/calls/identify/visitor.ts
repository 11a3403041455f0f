import { createHmac, timingSafeEqual } from 'node:crypto';
import type { DerivedKey, Envelope } from '../../../database/envelope.ts';
import { randomHex } from '../../../database/ids.ts';
import { ProxyError } from '../../error.ts';

/** A visitor of a web page that uses a public key. */
export interface Visitor {
  /** The external id of its user. */
  readonly user: string;
  /** What the page is to send from now on, in `X-Visitor-Token`. Undefined: what it has is good. */
  readonly newToken: string | undefined;
  /** Whether the visitor is here for the first time. */
  readonly isNew: boolean;
}

const header = 'X-Visitor-Token';
const lifetimeS = 30 * 86_400;
/** A token in use is replaced by one that lasts longer, once a day. */
const freshS = 86_400;
/** Proxies do not all learn at once that another data key is used. */
const changeoverS = 600;
const form = /^vt_([0-9a-f]{32})\.([0-9a-z]{6,8})\.([A-Za-z0-9_-]{43})$/;

/** What signs the tokens. */
export interface VisitorSigner {
  readonly organizationId: string;
  readonly envelope: Pick<Envelope, 'derivedKeys'>;
  /** Of the public key: a token of one key is none of another. */
  readonly keyId: string;
}

/**
 * Finds the visitor by its token, or makes a new one. The token is signed, so nobody can become another visitor. It is no
 * cookie: the page keeps it and sends it itself, so no other page's request can have it. Its key derives from the data key
 * in use. A token of a key that was replaced is exchanged, unless that key had leaked.
 *
 * @throws {ProxyError} `invalid_credentials` where the token is not valid, or no longer
 */
export function findVisitor(
  token: string | readonly string[] | undefined,
  signer: VisitorSigner,
  nowMs: number,
): Visitor {
  const nowS = Math.floor(nowMs / 1_000);
  const keys = signer.envelope.derivedKeys(signer.organizationId, 'visitors');
  const sign = (of: string) => signVisitor(of, signer, keys[0], nowS);
  if (token === undefined || token === '') {
    const id = randomHex(16);
    return { user: userOf(id), newToken: sign(id), isNew: true };
  }
  const [, id, issued, mac] = form.exec(String(token)) ?? [];
  if (id === undefined || issued === undefined || mac === undefined) throw invalid();
  const given = Buffer.from(mac, 'base64url');
  const signedBy = keys.find((key) => timingSafeEqual(given, macOf(id, issued, signer, key)));
  if (!signedBy) throw invalid();
  const issuedS = Number.parseInt(issued, 36);
  const ageS = nowS - issuedS;
  const { replacedAtS, hasLeaked } = signedBy;
  const isReplaced = replacedAtS !== undefined;
  if (hasLeaked || ageS > lifetimeS || (isReplaced && issuedS > replacedAtS + changeoverS)) throw invalid();
  return { user: userOf(id), newToken: isReplaced || ageS > freshS ? sign(id) : undefined, isNew: false };
}

function signVisitor(id: string, signer: VisitorSigner, key: DerivedKey | undefined, nowS: number): string {
  if (!key) throw new RangeError('An organization has at least one data key');
  const issued = nowS.toString(36);
  return `vt_${id}.${issued}.${macOf(id, issued, signer, key).toString('base64url')}`;
}

function macOf(id: string, issued: string, { keyId }: VisitorSigner, { key }: DerivedKey): Buffer {
  return createHmac('sha256', key).update([keyId, id, issued].join('\n')).digest();
}

function userOf(id: string): string {
  return `visitor_${id}`;
}

function invalid(): ProxyError {
  const message = `the ${header} is not valid, or too old; leave it out to begin as a new visitor`;
  return new ProxyError('invalid_credentials', { param: header, message });
}
