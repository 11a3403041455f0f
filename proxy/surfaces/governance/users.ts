import { type Static, Type } from 'typebox';
import type { GovernanceContext } from '../../governance/context.ts';
import { changeUser, createUser, eraseUser, getUser, listUsers, type User } from '../../governance/users.ts';
import { readers } from '../../http/described.ts';
import { page, paging } from '../../http/paging.ts';
import { Nullable, Timestamp, Uuid } from '../../http/schemas.ts';
import { route } from './route.ts';

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
export const userRoutes = [
  route(
    'GET',
    '/users',
    {
      tags,
      summary: 'List users',
      querystring: Type.Object({
        ...paging,
        is_active: Type.Optional(Type.Boolean({ description: 'Only active ones, or only deactivated ones.' })),
      }),
      problems: ['role_required', 'store_unavailable'],
      roles: readers,
      response: { 200: Type.Object({ users: Type.Array(UserAnswer), ...page }) },
    },
    async ({ caller, query: { is_active, limit, offset } }, context) => {
      const { items, total } = await listUsers(context, caller, { isActive: is_active, limit, offset });
      return { users: items.map((user) => show(context, user)), total, limit, offset };
    },
  ),
  route(
    'POST',
    '/users',
    {
      tags,
      summary: 'Create a user',
      description: 'Not needed before a user calls: the first call makes one.',
      body: Type.Object(
        { user_id: Type.String({ minLength: 1, maxLength: 255 }), display_name: displayName },
        { additionalProperties: false, example: { user_id: 'user@example.com', display_name: 'User' } },
      ),
      problems: ['role_required', 'name_taken', 'store_unavailable'],
      roles: 'admin',
      response: { 201: UserAnswer },
    },
    async ({ caller, body: { user_id, display_name } }, context) =>
      show(context, await createUser(context, caller, { externalId: user_id, displayName: display_name ?? null })),
  ),
  route(
    'GET',
    '/users/:id',
    {
      tags,
      summary: 'Get a user',
      params,
      problems: ['user_not_found', 'store_unavailable'],
      response: { 200: UserAnswer },
    },
    async ({ caller, params: { id } }, context) => show(context, await getUser(context, caller, id)),
  ),
  route(
    'PATCH',
    '/users/:id',
    {
      tags,
      summary: 'Change a user',
      params,
      body: Type.Object(
        { display_name: displayName, is_active: Type.Optional(Type.Boolean()) },
        { additionalProperties: false, example: { is_active: true } },
      ),
      problems: ['role_required', 'user_not_found', 'store_unavailable'],
      roles: 'admin',
      response: { 200: UserAnswer },
    },
    async ({ caller, params: { id }, body: { display_name, is_active } }, context) =>
      show(context, await changeUser(context, caller, id, { displayName: display_name, isActive: is_active })),
  ),
  route(
    'DELETE',
    '/users/:id',
    {
      tags,
      summary: 'Deactivate a user',
      description: 'Calls of this user are refused from now on. What was recorded stays; to remove it, erase the user.',
      params,
      problems: ['role_required', 'user_not_found', 'store_unavailable'],
      roles: 'admin',
      response: { 200: UserAnswer },
    },
    async ({ caller, params: { id } }, context) =>
      show(context, await changeUser(context, caller, id, { isActive: false })),
  ),
  route(
    'POST',
    '/users/:id/erase',
    {
      tags,
      summary: 'Erase a user',
      description:
        'Removes contents, feedback, session names and the identity for good. Counts and sums stay, under an id that ' +
        'stands for nobody. A later call with the same X-User-ID is a new user’s.',
      params,
      problems: ['role_required', 'user_not_found', 'store_unavailable'],
      roles: 'admin',
      response: { 200: Type.Object({ erased: Type.Boolean(), anonymous_id: Uuid }) },
    },
    async ({ caller, params: { id } }, context) => ({
      erased: true,
      anonymous_id: await eraseUser(context, caller, id),
    }),
  ),
];

function show({ inForce }: Pick<GovernanceContext, 'inForce'>, user: User): Static<typeof UserAnswer> {
  return {
    id: user.userId,
    organization_id: inForce().snapshot.organizationId,
    user_id: user.externalId,
    display_name: user.displayName,
    is_active: user.isActive,
    created_at: user.createdAt.toISOString(),
    updated_at: user.updatedAt.toISOString(),
  };
}
