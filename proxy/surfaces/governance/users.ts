import { Type } from 'typebox';
import { userIdOf } from '../../../database/ids.ts';
import { eraseUser, findUser, insertUser, listUsers, type UserRow, updateUser } from '../../../database/users.ts';
import { admitRole, seesOrganization } from '../../calls/admit/admit.ts';
import type { Caller } from '../../calls/call.ts';
import { ProxyError } from '../../error.ts';
import { page, paging } from '../../http/paging.ts';
import { Nullable, storable, Timestamp, Uuid } from '../../http/schemas.ts';
import type { SurfaceApp } from '../../http/surface.ts';
import type { GovernanceContext } from './context.ts';
import { readUserId } from './user-id.ts';

const tags = ['Users'];
const params = Type.Object({
  id: Type.String({ maxLength: 255, description: 'The user’s own id (X-User-ID), or its UUID here.' }),
});

const UserAnswer = Type.Object(
  {
    id: Uuid,
    organization_id: Uuid,
    user_id: Type.String({ description: 'The id that applications send as X-User-ID.' }),
    display_name: Nullable(Type.String()),
    is_active: Type.Boolean({ description: 'Whether calls of this user are let through.' }),
    created_at: Timestamp,
    updated_at: Timestamp,
  },
  {
    example: {
      id: '5f0c2a52-6cbb-5c3e-9df3-0d3f1d4e9a11',
      organization_id: '123e4567-e89b-12d3-a456-426614174001',
      user_id: 'user@example.com',
      display_name: null,
      is_active: true,
      created_at: '2026-06-01T12:00:00.000Z',
      updated_at: '2026-06-01T12:00:00.000Z',
    },
  },
);
const displayName = Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 255 })));

/** `/v1/users`: who calls. Most are made by their first call; here they are made ahead, deactivated and erased. */
export function registerUsers(app: SurfaceApp, { inForce, store, catchUp }: GovernanceContext): void {
  const show = (user: UserRow) => ({
    id: user.userId,
    organization_id: inForce().snapshot.organizationId,
    user_id: user.externalId,
    display_name: user.displayName,
    is_active: user.isActive,
    created_at: user.createdAt.toISOString(),
    updated_at: user.updatedAt.toISOString(),
  });
  const find = async (caller: Caller, id: string): Promise<UserRow> => {
    const { organizationId } = inForce().snapshot;
    const candidates = isUuid(id) ? [userIdOf(organizationId, id), id] : [userIdOf(organizationId, id)];
    for (const candidate of candidates) {
      if (candidate !== caller.userId && !seesOrganization(caller)) continue;
      const user = await store.run((db) => findUser(db, organizationId, candidate));
      if (user) return user;
    }
    throw new ProxyError('user_not_found', { param: 'id' });
  };
  const change = async (caller: Caller, id: string, changes: Parameters<typeof updateUser>[3]) => {
    admitRole(caller, 'admin');
    const { userId } = await find(caller, id);
    const user = await store.run((db) => updateUser(db, inForce().snapshot.organizationId, userId, changes));
    await catchUp();
    if (!user) throw new ProxyError('user_not_found', { param: 'id' });
    return show(user);
  };

  app.get(
    '/users',
    {
      schema: {
        tags,
        summary: 'List users',
        querystring: Type.Object({
          ...paging,
          is_active: Type.Optional(Type.Boolean({ description: 'Only active ones, or only deactivated ones.' })),
        }),
        problems: ['role_required', 'store_unavailable'],
        response: { 200: Type.Object({ users: Type.Array(UserAnswer), ...page }) },
      },
    },
    async ({ caller, query: { is_active, limit, offset } }) => {
      admitRole(caller, 'analyst', 'reviewer');
      const { organizationId } = inForce().snapshot;
      const { users, total } = await store.run((db) =>
        listUsers(db, organizationId, { isActive: is_active, limit, offset }),
      );
      return { users: users.map(show), total, limit, offset };
    },
  );
  app.post(
    '/users',
    {
      schema: {
        tags,
        summary: 'Create a user',
        description: 'Not needed before a user calls: the first call makes one.',
        body: Type.Object(
          { user_id: Type.String({ minLength: 1, maxLength: 255 }), display_name: displayName },
          { additionalProperties: false, example: { user_id: 'user@example.com', display_name: 'User' } },
        ),
        problems: ['role_required', 'name_taken', 'store_unavailable'],
        response: { 201: UserAnswer },
      },
    },
    async ({ caller, body }, reply) => {
      admitRole(caller, 'admin');
      const { organizationId } = inForce().snapshot;
      const externalId = readUserId('user_id', body.user_id);
      const user = await store.run((db) =>
        insertUser(db, organizationId, {
          userId: userIdOf(organizationId, externalId),
          externalId,
          displayName: body.display_name == null ? null : storable(body.display_name),
        }),
      );
      if (!user) {
        const message = `A user with the id ${JSON.stringify(externalId)} already exists`;
        throw new ProxyError('name_taken', { param: 'user_id', message });
      }
      reply.code(201);
      return show(user);
    },
  );
  app.get(
    '/users/:id',
    {
      schema: {
        tags,
        summary: 'Get a user',
        params,
        problems: ['user_not_found', 'store_unavailable'],
        response: { 200: UserAnswer },
      },
    },
    async (request) => show(await find(request.caller, request.params.id)),
  );
  app.patch(
    '/users/:id',
    {
      schema: {
        tags,
        summary: 'Change a user',
        params,
        body: Type.Object(
          { display_name: displayName, is_active: Type.Optional(Type.Boolean()) },
          { additionalProperties: false, example: { is_active: true } },
        ),
        problems: ['role_required', 'user_not_found', 'store_unavailable'],
        response: { 200: UserAnswer },
      },
    },
    ({ caller, params: { id }, body }) =>
      change(caller, id, {
        displayName: body.display_name == null ? body.display_name : storable(body.display_name),
        isActive: body.is_active,
      }),
  );
  app.delete(
    '/users/:id',
    {
      schema: {
        tags,
        summary: 'Deactivate a user',
        description:
          'Calls of this user are refused from now on. What was recorded stays; to remove it, erase the user.',
        params,
        problems: ['role_required', 'user_not_found', 'store_unavailable'],
        response: { 200: UserAnswer },
      },
    },
    ({ caller, params: { id } }) => change(caller, id, { isActive: false }),
  );
  app.post(
    '/users/:id/erase',
    {
      schema: {
        tags,
        summary: 'Erase a user',
        description:
          'Removes contents, feedback, session names and the identity for good. Counts and sums stay, under an id that ' +
          'stands for nobody. A later call with the same X-User-ID is a new user’s.',
        params,
        problems: ['role_required', 'user_not_found', 'store_unavailable'],
        response: { 200: Type.Object({ erased: Type.Boolean(), anonymous_id: Uuid }) },
      },
    },
    async ({ caller, params: { id } }) => {
      admitRole(caller, 'admin');
      const { userId } = await find(caller, id);
      const stranger = await store.run((db) => eraseUser(db, userId));
      await catchUp();
      if (stranger === undefined) throw new ProxyError('user_not_found', { param: 'id' });
      return { erased: true, anonymous_id: stranger };
    },
  );
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}
