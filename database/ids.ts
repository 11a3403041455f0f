import { createHash, randomBytes } from 'node:crypto';

/** The user of calls that have none; a session's key needs some user. */
export const nobody = '00000000-0000-0000-0000-000000000000';

/**
 * The UUID of a user, known to every proxy without asking the database.
 *
 * @param externalId what the caller's `X-User-ID` says
 */
export function userIdOf(organizationId: string, externalId: string): string {
  return derivedUuid(organizationId, `user/${externalId}`);
}

/** What stands for a user who was erased, in hexadecimal: `chaperone.user_digest`. Of what is no UUID it is nobody's. */
export function userDigest(organizationId: string, userId: string): string {
  const ids = Buffer.from(`${organizationId}${userId}`.replaceAll('-', ''), 'hex');
  return createHash('sha256').update(ids).digest('hex');
}

/** A name space of our own, made up once. */
const organizations = '3f6c1a52-7d0b-4e7e-9a58-5b1f0c2d8e94';

/** The UUID of a new organization: the same for every attempt to make it, another for the next of the same name. */
export function organizationIdOf(uid: string): string {
  return derivedUuid(organizations, uid);
}

/**
 * The UUID of what a resource owns: stable however often the resource is deleted and applied again.
 *
 * @param resource `namespace/name`
 */
export function resourceIdOf(organizationId: string, kind: string, resource: string): string {
  return derivedUuid(organizationId, `${kind}/${resource}`);
}

/** UUIDv5 (RFC 9562, section 5.5) of a name in a name space, such as an organization's. */
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

/**
 * A request id: `req_`, 12 hexadecimal digits of milliseconds since 1970, 20 random ones. The time in it lets a look-up
 * by id read one partition.
 */
export function makeRequestId(startedAtMs: number): string {
  return `req_${startedAtMs.toString(16).padStart(12, '0')}${randomHex(10)}`;
}

let pool = Buffer.alloc(0);
let poolOffset = 0;

/** Random bytes in hexadecimal; the system is asked for some kilobytes at a time, since ids are made for every call. */
export function randomHex(bytes: number): string {
  if (poolOffset + bytes > pool.length) {
    pool = randomBytes(4_096);
    poolOffset = 0;
  }
  poolOffset += bytes;
  return pool.toString('hex', poolOffset - bytes, poolOffset);
}

/** When the request of this id began, in milliseconds since 1970; undefined where it is no request id of ours. */
export function requestStartedAtMs(requestId: string): number | undefined {
  return /^req_[0-9a-f]{32}$/.test(requestId) ? Number.parseInt(requestId.slice(4, 16), 16) : undefined;
}

/** What stands for the id of a part of an answer: 64 bits of its SHA-256 as a whole number, an eighth of its size. */
export function keptIdDigest(id: string): string {
  return createHash('sha256').update(id).digest().readBigInt64BE().toString();
}
