import { createHash, randomBytes } from 'node:crypto';

/** The user id of calls without a user: the key of a session needs a user. */
export const nobody = '00000000-0000-0000-0000-000000000000';

/**
 * Derives the UUID of a user, so that a proxy need not ask the database.
 *
 * @param externalId the value of `X-User-ID`
 */
export function userIdOf(organizationId: string, externalId: string): string {
  return derivedUuid(organizationId, `user/${externalId}`);
}

/**
 * The digest that identifies an erased user, in hexadecimal, as in `chaperone.user_digest`. An id that is not a UUID
 * matches nobody.
 */
export function userDigest(organizationId: string, userId: string): string {
  const ids = Buffer.from(`${organizationId}${userId}`.replaceAll('-', ''), 'hex');
  return createHash('sha256').update(ids).digest('hex');
}

/** Our own UUID namespace, generated once. */
const organizations = '3f6c1a52-7d0b-4e7e-9a58-5b1f0c2d8e94';

/**
 * Derives the UUID of a new organization from the uid of its resource: each attempt gives the same UUID, and a later
 * Organization of the same name gets another.
 */
export function organizationIdOf(uid: string): string {
  return derivedUuid(organizations, uid);
}

/**
 * Derives the UUID of the row that a resource owns. It stays the same when the resource is deleted and applied again.
 *
 * @param resource `namespace/name`
 */
export function resourceIdOf(organizationId: string, kind: string, resource: string): string {
  return derivedUuid(organizationId, `${kind}/${resource}`);
}

/** Derives the id of a cost entry that a client has named, so that one that is sent again is the same entry. */
export function costEntryIdOf(organizationId: string, name: string): string {
  return derivedUuid(organizationId, `cost/${name}`);
}

/** UUIDv5 (RFC 9562, section 5.5) of a name in a namespace UUID, such as an organization's id. */
function derivedUuid(nameSpace: string, name: string): string {
  const hash = createHash('sha1')
    .update(Buffer.from(nameSpace.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest();
  hash[6] = ((hash[6] ?? 0) & 0x0f) | 0x50;
  hash[8] = ((hash[8] ?? 0) & 0x3f) | 0x80;
  const hex = hash.toString('hex', 0, 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const requestIdBytes = Buffer.alloc(16);
const requestIdText = Buffer.from(`req_${'0'.repeat(32)}`);

/**
 * A request id: `req_`, 12 hexadecimal digits of milliseconds since 1970, 20 random digits. The time lets a look-up by
 * id read a single partition.
 *
 * V8 keeps a text that is put together in its parts, and for an object that has one, JSON.stringify takes three times as
 * long. So the id is read from a buffer.
 *
 * @param startedAtMs a whole number
 */
export function makeRequestId(startedAtMs: number): string {
  requestIdBytes.writeUIntBE(startedAtMs, 0, 6);
  const random = takeRandom(10);
  pool.copy(requestIdBytes, 6, random, random + 10);
  requestIdText.write(requestIdBytes.toString('hex'), 4, 'latin1');
  return requestIdText.toString('latin1');
}

/** Random bytes in hexadecimal. */
export function randomHex(bytes: number): string {
  const start = takeRandom(bytes);
  return pool.toString('hex', start, start + bytes);
}

/** A new session id: `sess_` and 24 random digits. Each record has it, so it is one text for the same reason. */
export function makeSessionId(): string {
  return ['sess_', randomHex(12)].join('');
}

/** Random bytes for ids. They are some kilobytes, since every call needs some. */
let pool = Buffer.alloc(0);
let poolOffset = 0;

/** @returns where so many bytes of the pool are that nobody else gets */
function takeRandom(bytes: number): number {
  if (poolOffset + bytes > pool.length) {
    pool = randomBytes(4_096);
    poolOffset = 0;
  }
  poolOffset += bytes;
  return poolOffset - bytes;
}

/** When the request of this id began, in milliseconds since 1970. Undefined where the id is not one of ours. */
export function requestStartedAtMs(requestId: string): number | undefined {
  return /^req_[0-9a-f]{32}$/.test(requestId) ? Number.parseInt(requestId.slice(4, 16), 16) : undefined;
}

/**
 * A short digest of the id of a part of an answer: 64 bits of its SHA-256, as an integer. It is an eighth of the id's
 * size.
 */
export function keptIdDigest(id: string): string {
  return createHash('sha256').update(id).digest().readBigInt64BE().toString();
}
