import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Envelope } from '../../../database/envelope.ts';
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
const form = /^vt_([0-9a-f]{32})\.([0-9a-z]{6,8})\.([A-Za-z0-9_-]{43})$/;

/** What signs the tokens. */
export interface VisitorSigner {
  readonly organizationId: string;
  readonly envelope: Pick<Envelope, 'lastingKey'>;
  /** Of the public key: a token of one key is none of another. */
  readonly keyId: string;
}

/**
 * Finds the visitor by its token, or makes a new one. The token is signed, so nobody can become another visitor. It is no
 * cookie: the page keeps it and sends it itself, so no other page's request can have it.
 *
 * @throws {ProxyError} `invalid_credentials` where the token is not valid, or no longer
 */
export function findVisitor(
  token: string | readonly string[] | undefined,
  signer: VisitorSigner,
  nowMs: number,
): Visitor {
  const nowS = Math.floor(nowMs / 1_000);
  if (token === undefined || token === '') {
    const id = randomHex(16);
    return { user: userOf(id), newToken: signVisitor(id, signer, nowS), isNew: true };
  }
  const [, id, issued, mac] = form.exec(String(token)) ?? [];
  if (id === undefined || issued === undefined || mac === undefined) throw invalid();
  if (!timingSafeEqual(Buffer.from(mac, 'base64url'), macOf(id, issued, signer))) throw invalid();
  const ageS = nowS - Number.parseInt(issued, 36);
  if (ageS > lifetimeS) throw invalid();
  return { user: userOf(id), newToken: ageS > freshS ? signVisitor(id, signer, nowS) : undefined, isNew: false };
}

function signVisitor(id: string, signer: VisitorSigner, nowS: number): string {
  const issued = nowS.toString(36);
  return `vt_${id}.${issued}.${macOf(id, issued, signer).toString('base64url')}`;
}

function macOf(id: string, issued: string, { organizationId, envelope, keyId }: VisitorSigner): Buffer {
  const key = envelope.lastingKey(organizationId, 'visitors');
  return createHmac('sha256', key).update([keyId, id, issued].join('\n')).digest();
}

function userOf(id: string): string {
  return `visitor_${id}`;
}

function invalid(): ProxyError {
  const message = `the ${header} is not valid, or too old; leave it out to begin as a new visitor`;
  return new ProxyError('invalid_credentials', { param: header, message });
}
