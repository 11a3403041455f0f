import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { type Envelope, EnvelopeError } from '../../database/envelope.ts';
import type { Caller, Identity } from '../calls/call.ts';
import { accountIssuer } from '../calls/identify/tokens/account-token.ts';
import { readCredential } from '../calls/identify/tokens/credential.ts';
import { ownIssuer } from '../calls/identify/tokens/own-token.ts';
import { ProxyError } from '../error.ts';
import { asObject, type Body, parseObject } from '../providers/json.ts';
import { isRevoked, type RevocableToken } from '../snapshot/revocations.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';

/** What an ephemeral key begins with, as OpenAI's does. */
export const secretPrefix = 'ek_';

/** Browsers send the key as a subprotocol, and all headers of a request have 16 KB. */
const maxSecretLength = 8 * 1024;
/** The limit of what is unpacked. */
const maxUnpackedBytes = 256 * 1024;

/** What an ephemeral key stands for. Any proxy of the organization can read it, and nobody else. */
export interface ClientSecret {
  readonly user: string | null;
  readonly roles: readonly string[];
  readonly namespace: string | null;
  readonly sessionId: string;
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
  /** The configuration that its sessions begin with, with `persona_id` where it has one. */
  readonly session: Body;
  /** The credential that it was made with: where that is revoked, so is this. */
  readonly madeWith: { readonly syntheticKey: string } | RevocableToken;
}

function placeIn({ organizationId }: Pick<Snapshot, 'organizationId'>) {
  return { organizationId, column: 'realtime.client_secret', rowId: '' };
}

/** The facts about the credential of a request that was verified. */
export function credentialOf(headers: IncomingHttpHeaders, { userId }: Caller): ClientSecret['madeWith'] {
  const credential = readCredential(headers);
  if (credential.startsWith('chp_')) return { syntheticKey: hash('sha256', credential, 'hex') };
  const { iss, jti, iat, sid } = decodeJwt(credential);
  const { kid } = decodeProtectedHeader(credential);
  const loginId = iss === accountIssuer && typeof sid === 'string' ? sid : undefined;
  const keyId = iss === ownIssuer ? kid : undefined;
  return { tokenId: jti, ...(loginId !== undefined && { loginId }), keyId, userId, issuedAtMs: (iat ?? 0) * 1_000 };
}

/** @throws {ProxyError} `invalid_request` where the configuration is too large for a key */
export function sealSecret(envelope: Envelope, snapshot: Snapshot, secret: ClientSecret): string {
  const sealed = envelope.seal(placeIn(snapshot), deflateRawSync(JSON.stringify(secret)));
  const value = secretPrefix + sealed.toString('base64url');
  if (value.length <= maxSecretLength) return value;
  const message = `session is too large for an ephemeral key, which has at most ${maxSecretLength} characters; send the rest by session.update`;
  throw new ProxyError('invalid_request', { param: 'session', message });
}

/** @throws {ProxyError} `invalid_credentials` where it is no key of this organization, or has been revoked */
export function openSecret(envelope: Envelope, snapshot: Snapshot, value: string): ClientSecret {
  const secret = readSecret(envelope, snapshot, value);
  requireStanding(secret, snapshot);
  return secret;
}

/** @throws {ProxyError} where the credential that the key was made with is revoked, or its binding is gone */
export function requireStanding({ madeWith }: ClientSecret, snapshot: Snapshot): void {
  const stands =
    'syntheticKey' in madeWith
      ? (snapshot.syntheticKeys.get(madeWith.syntheticKey)?.expiresAtMs ?? 0) > Date.now()
      : !isRevoked(madeWith, snapshot.revocations);
  if (!stands)
    throw new ProxyError('invalid_credentials', {
      message: 'the credential that the ephemeral key was made with has been revoked; get a new one',
    });
}

/** @throws {ProxyError} `invalid_credentials` */
export function requireFresh({ expiresAtMs }: ClientSecret): void {
  if (expiresAtMs > Date.now()) return;
  throw new ProxyError('invalid_credentials', { message: 'the ephemeral key has expired; get a new one' });
}

/** The identity of a key's holder. */
export function identityOf({ user, roles, namespace }: ClientSecret): Identity {
  return { user: user ?? undefined, namespace: namespace ?? undefined, roles };
}

function readSecret(envelope: Envelope, snapshot: Snapshot, value: string): ClientSecret {
  const unknown = (cause?: unknown) =>
    new ProxyError('invalid_credentials', { message: 'this is no ephemeral key of this organization', cause });
  if (value.length > maxSecretLength) throw unknown();
  try {
    const packed = envelope.open(placeIn(snapshot), Buffer.from(value.slice(secretPrefix.length), 'base64url'));
    const text = inflateRawSync(packed, { maxOutputLength: maxUnpackedBytes }).toString('utf8');
    const secret = parseObject(text);
    if (!secret || !asObject(secret.session)) throw unknown();
    // Only a proxy of the organization could seal it.
    return secret as unknown as ClientSecret;
  } catch (error) {
    if (error instanceof EnvelopeError) throw unknown(error);
    throw error;
  }
}
