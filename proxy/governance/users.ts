import { diffFields } from '../../database/audit/diff.ts';
import { findPseudonym } from '../../database/audit/pseudonyms.ts';
import { userIdOf } from '../../database/ids.ts';
import { toStorable } from '../../database/storable.ts';
import {
  eraseUser as eraseRow,
  findUser,
  insertUser,
  listUsers as listRows,
  type UserRow,
  updateUser,
} from '../../database/users.ts';
import type { Caller } from '../calls/call.ts';
import { ProxyError } from '../error.ts';
import type { GovernanceContext } from './context.ts';
import type { Listed, Page } from './page.ts';
import { appendChange, type RecordedChange, recorded } from './recorded.ts';
import { admitRole, seesOrganization } from './roles.ts';
import { readUserId } from './user-id.ts';

type Reading = Pick<GovernanceContext, 'inForce' | 'store'>;
type Writing = Reading & Pick<GovernanceContext, 'catchUp'>;

export type User = UserRow;

/**
 * Lists users, for who sees the organization.
 *
 * @param filter.isActive only active ones, or only deactivated ones
 * @throws {ProxyError} `role_required`, `store_unavailable`
 */
export async function listUsers(
  context: Reading,
  caller: Caller,
  filter: Page & { readonly isActive: boolean | undefined },
): Promise<Listed<User>> {
  admitRole(caller, 'analyst', 'reviewer');
  const { users, total } = await context.store.run((db) => listRows(db, organizationIdOf(context), filter));
  return { items: users, total };
}

/**
 * Gets a user by the id that applications send, or by the UUID here. Who does not see the organization gets only itself.
 *
 * @throws {ProxyError} `user_not_found`, `store_unavailable`
 */
export async function getUser(context: Reading, caller: Caller, id: string): Promise<User> {
  const organizationId = organizationIdOf(context);
  const candidates = isUuid(id) ? [userIdOf(organizationId, id), id] : [userIdOf(organizationId, id)];
  for (const candidate of candidates) {
    if (candidate !== caller.userId && !seesOrganization(caller)) continue;
    const user = await context.store.run((db) => findUser(db, organizationId, candidate));
    if (user) return user;
  }
  throw notFound();
}

export interface NewUser {
  /** The id that applications send. */
  readonly externalId: string;
  readonly displayName: string | null;
}

/**
 * Creates a user ahead of the first call, for an admin.
 *
 * @throws {ProxyError} `role_required`, `invalid_request`, `name_taken`, `store_unavailable`
 */
export async function createUser(context: Reading, caller: Caller, fields: NewUser): Promise<User> {
  admitRole(caller, 'admin');
  const organizationId = organizationIdOf(context);
  const externalId = readUserId('user_id', fields.externalId);
  const displayName = fields.displayName === null ? null : toStorable(fields.displayName);
  const row = { userId: userIdOf(organizationId, externalId), externalId, displayName };
  const user = await recorded(
    context,
    caller,
    (db) => insertUser(db, organizationId, row),
    (made) => made && { action: 'created', subject: 'User', user: { $user: externalId }, changes: [] },
  );
  if (user) return user;
  const message = `A user with the id ${JSON.stringify(externalId)} already exists`;
  throw new ProxyError('name_taken', { param: 'user_id', message });
}

/** Absent fields stay as they are. */
export interface UserChanges {
  readonly displayName?: string | null | undefined;
  /** Calls of a user that is not active are refused. What was recorded stays. */
  readonly isActive?: boolean | undefined;
}

/**
 * Changes a user, for an admin. Resolves when the change is in force here.
 *
 * @throws {ProxyError} `role_required`, `user_not_found`, `store_unavailable`
 */
export async function changeUser(context: Writing, caller: Caller, id: string, changes: UserChanges): Promise<User> {
  admitRole(caller, 'admin');
  const before = await getUser(context, caller, id);
  const { userId } = before;
  const { displayName, isActive } = changes;
  const columns = { displayName: displayName == null ? displayName : toStorable(displayName), isActive };
  const user = await recorded(
    context,
    caller,
    (db) => updateUser(db, organizationIdOf(context), userId, columns),
    (after) => after && describeChange(before, after),
  );
  await context.catchUp();
  if (!user) throw notFound();
  return user;
}

/**
 * Erases a user for good, for an admin: contents, feedback, names and the identity. Counts and sums stay.
 *
 * @returns the id that stands for nobody, under which they stay
 * @throws {ProxyError} `role_required`, `user_not_found`, `store_unavailable`
 */
export async function eraseUser(context: Writing, caller: Caller, id: string): Promise<string> {
  admitRole(caller, 'admin');
  const { userId, externalId } = await getUser(context, caller, id);
  const organizationId = organizationIdOf(context);
  // Who erases oneself is nobody from then on.
  const actor = caller.user === externalId ? { ...caller, user: undefined } : caller;
  const anonymousId = await context.store.run(async (db) => {
    const person = await findPseudonym(db, organizationId, externalId);
    const erased = { action: 'erased', subject: 'User', user: person ?? null, changes: [] } as const;
    return eraseRow(db, userId, () => appendChange(db, organizationId, actor, erased));
  });
  await context.catchUp();
  if (anonymousId === undefined) throw notFound();
  return anonymousId;
}

/** Of the name that people see, the log has only that it changed. */
function describeChange(before: User, after: User): RecordedChange | undefined {
  const changes = [
    ...(before.displayName === after.displayName ? [] : [{ field: 'display_name' }]),
    ...diffFields('is_active', before.isActive, after.isActive),
  ];
  const user = { $user: after.externalId };
  return changes.length === 0 ? undefined : { action: 'changed', subject: 'User', user, changes };
}

function organizationIdOf({ inForce }: Pick<GovernanceContext, 'inForce'>): string {
  return inForce().snapshot.organizationId;
}

function notFound(): ProxyError {
  return new ProxyError('user_not_found', { param: 'id' });
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}
