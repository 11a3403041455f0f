import { randomUUID } from 'node:crypto';
import { digestOfKey, makeKeyText, whyUnfitting } from '../../database/access-key-rules.ts';
import {
  type AccessKeyRow,
  type AccessKeyWrite,
  insertAccessKey,
  listAccessKeys as listRows,
  readAccessKey,
  revokeAccessKey as revokeRow,
  rotateAccessKey as rotateRow,
} from '../../database/access-keys.ts';
import { diffFields } from '../../database/audit/diff.ts';
import { toStorable } from '../../database/storable.ts';
import type { Caller } from '../calls/call.ts';
import { ProxyError } from '../error.ts';
import type { GovernanceContext } from './context.ts';
import { writeNamed } from './named.ts';
import type { Listed, Page } from './page.ts';
import { recorded } from './recorded.ts';
import { admitRole } from './roles.ts';

export { originPattern } from '../../database/access-key-rules.ts';

type Reading = Pick<GovernanceContext, 'inForce' | 'store'>;
type Writing = Reading & Pick<GovernanceContext, 'catchUp'>;

export type AccessKey = AccessKeyRow;

export interface NewAccessKey {
  readonly name: string;
  readonly type: 'secret' | 'public';
  readonly roles?: readonly string[] | undefined;
  readonly origins?: readonly string[] | undefined;
  readonly requestsPerHour?: number | undefined;
  readonly visitorRequestsPerHour?: number | undefined;
  readonly expiresAt?: Date | undefined;
}

/** A key with its text, which is shown only when it is made. */
export interface MadeAccessKey {
  readonly key: AccessKey;
  readonly text: string;
}

/** Lists the keys that the API made, by name, for an admin. @throws {ProxyError} `role_required`, `store_unavailable` */
export async function listAccessKeys(context: Reading, caller: Caller, page: Page): Promise<Listed<AccessKey>> {
  admitRole(caller, 'admin');
  const { keys, total } = await context.store.run((db) => listRows(db, organizationOf(context), page));
  return { items: keys, total };
}

/** Gets a key, for an admin. @throws {ProxyError} `role_required`, `access_key_not_found`, `store_unavailable` */
export async function getAccessKey(context: Reading, caller: Caller, id: string): Promise<AccessKey> {
  admitRole(caller, 'admin');
  return find(context, id);
}

/**
 * Makes a key, for an admin. It is valid here when this returns, and at every proxy within the time to effect.
 *
 * @throws {ProxyError} `role_required`, `invalid_request`, `name_taken`, `store_unavailable`
 */
export async function createAccessKey(context: Writing, caller: Caller, fields: NewAccessKey): Promise<MadeAccessKey> {
  admitRole(caller, 'admin');
  requireFitting(fields);
  const { type, roles = [], origins, requestsPerHour, visitorRequestsPerHour, expiresAt } = fields;
  const made = makeKeyText(type);
  const name = toStorable(fields.name);
  const write: AccessKeyWrite = {
    ...{ organizationId: organizationOf(context), keyId: randomUUID(), name, type, roles, ...digestOfKey(made) },
    origins: origins ? [...new Set(origins)].sort() : null,
    ...{ requestsPerHour: requestsPerHour ?? null, visitorRequestsPerHour: visitorRequestsPerHour ?? null },
    expiresAt: expiresAt ?? null,
  };
  const shown = {
    ...{ name, type, roles, allowed_origins: write.origins, requests_per_hour: write.requestsPerHour },
    visitor_requests_per_hour: write.visitorRequestsPerHour,
    expires_at: write.expiresAt?.toISOString() ?? null,
  };
  await writeNamed('access_keys_name', 'A key', name, () =>
    recorded(
      context,
      caller,
      (db) => insertAccessKey(db, write),
      () => ({
        action: 'created',
        subject: subjectOf(write.keyId),
        changes: diffFields('access_key', undefined, shown),
      }),
    ),
  );
  await context.catchUp();
  return { key: await find(context, write.keyId), text: made };
}

/**
 * Replaces a key by a new one, for an admin. The former one is accepted for `overlapMs` more.
 *
 * @throws {ProxyError} as `getAccessKey`
 */
export async function rotateAccessKey(
  context: Writing,
  caller: Caller,
  id: string,
  { overlapMs }: { readonly overlapMs: number },
): Promise<MadeAccessKey> {
  admitRole(caller, 'admin');
  const { keyId, type } = await find(context, id);
  const text = makeKeyText(type);
  await recorded(
    context,
    caller,
    async (db) => {
      const { digest, hint } = digestOfKey(text);
      if (!(await rotateRow(db, organizationOf(context), keyId, { digest, hint, overlapMs }))) throw notFound();
    },
    () => ({
      action: 'changed',
      subject: subjectOf(keyId),
      changes: [{ field: 'access_key.key', after: 'another one' }],
    }),
  );
  await context.catchUp();
  return { key: await find(context, keyId), text };
}

/**
 * Revokes a key for good, for an admin. No proxy accepts it after the time to effect, nor the one before its rotation.
 *
 * @throws {ProxyError} as `getAccessKey`
 */
export async function revokeAccessKey(context: Writing, caller: Caller, id: string): Promise<string> {
  admitRole(caller, 'admin');
  const { keyId } = await find(context, id);
  const isRevoked = await recorded(
    context,
    caller,
    (db) => revokeRow(db, organizationOf(context), keyId),
    (done) => (done ? { action: 'deleted', subject: subjectOf(keyId), changes: [] } : undefined),
  );
  if (!isRevoked) throw notFound();
  await context.catchUp();
  return keyId;
}

/** @throws {ProxyError} `invalid_request` where a field is not for the type of the key */
function requireFitting(fields: NewAccessKey): void {
  const why = whyUnfitting(fields);
  if (!why) return;
  const { param, message } = why;
  throw new ProxyError('invalid_request', { param, message, details: { field: param, problem: message } });
}

function subjectOf(keyId: string): string {
  return `AccessKey/${keyId}`;
}

function organizationOf({ inForce }: Pick<Reading, 'inForce'>): string {
  return inForce().snapshot.organizationId;
}

async function find(context: Reading, id: string): Promise<AccessKeyRow> {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) throw notFound();
  const row = await context.store.run((db) => readAccessKey(db, organizationOf(context), id.toLowerCase()));
  if (!row) throw notFound();
  return row;
}

function notFound(): ProxyError {
  return new ProxyError('access_key_not_found', { param: 'id' });
}
