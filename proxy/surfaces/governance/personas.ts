import { type Static, Type } from 'typebox';
import type { ProblemCode } from '../../error.ts';
import type { GovernanceContext } from '../../governance/context.ts';
import {
  changePersona,
  createPersona,
  getPersona,
  listPersonas,
  type PersonaFields,
  retirePersona,
} from '../../governance/personas.ts';
import { page, paging } from '../../http/paging.ts';
import { Name, Nullable, Timestamp, Uuid } from '../../http/schemas.ts';
import type { Persona } from '../../snapshot/snapshot.ts';
import { RetiredAnswer, showRetired } from './retired.ts';
import { route } from './route.ts';

const tags = ['Personas'];
const params = Type.Object({ id: Type.String({ description: 'The persona’s id, a UUID.' }) });

const PersonaAnswer = Type.Object(
  {
    id: Uuid,
    organization_id: Uuid,
    user_id: Nullable(
      Type.String(),
      'The one user it is restricted to; null where it is everyone’s or several users’.',
    ),
    users: Type.Array(Type.String(), { description: 'All users it is restricted to; empty: everyone.' }),
    name: Type.String(),
    description: Nullable(Type.String()),
    content: Type.String({ description: 'The system prompt.' }),
    model: Nullable(Type.String(), 'The model of calls that name none.'),
    parameters: Type.Record(Type.String(), Type.Unknown(), { description: 'Defaults for fields of the request.' }),
    is_active: Type.Boolean(),
    managed_by: Nullable(Type.String(), 'The Kubernetes resource that owns it; null where the API made it.'),
    created_at: Timestamp,
    updated_at: Timestamp,
  },
  {
    example: {
      id: '123e4567-e89b-12d3-a456-426614174000',
      organization_id: '123e4567-e89b-12d3-a456-426614174001',
      user_id: null,
      users: [],
      name: 'Customer Support Agent',
      description: 'For handling customer inquiries',
      content: 'You are a helpful customer support agent for Acme Inc.',
      model: null,
      parameters: {},
      is_active: true,
      managed_by: null,
      created_at: '2026-06-01T12:00:00.000Z',
      updated_at: '2026-06-01T12:00:00.000Z',
    },
  },
);

/** As crds/personas.yaml has them. */
const fields = {
  name: Name,
  content: Type.String({ minLength: 1, maxLength: 100_000, description: 'The system prompt.' }),
  description: Type.Optional(Nullable(Type.String({ maxLength: 2_000 }), 'What it is for.')),
  user_id: Type.Optional(
    Nullable(Type.String({ minLength: 1, maxLength: 255 }), 'Restricts it to this user; null: everyone’s.'),
  ),
  users: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 255 }), {
      maxItems: 1_000,
      uniqueItems: true,
      description: 'Restricts it to these users; empty: everyone’s.',
    }),
  ),
  model: Type.Optional(Nullable(Type.String({ minLength: 1, maxLength: 200 }), 'The model of calls that name none.')),
  parameters: Type.Optional(
    Type.Record(Type.String(), Type.Unknown(), {
      description:
        'Defaults for fields of the request. Those that OpenAI’s API has must be what it takes; others pass as they are.',
    }),
  ),
  is_active: Type.Optional(Type.Boolean({ description: 'Whether calls may use it.' })),
};
const strict = { additionalProperties: false };
const example = {
  name: 'Customer Support Agent',
  content: 'You are a helpful customer support agent for Acme Inc. You should be polite, professional, and helpful.',
  description: 'For handling customer inquiries',
};
const PersonaBody = Type.Object(fields, { ...strict, example });
const PersonaPatch = Type.Partial(Type.Object(fields), { ...strict, example: { is_active: false } });
type PersonaPatch = Static<typeof PersonaPatch>;

const changeProblems: readonly ProblemCode[] = [
  'role_required',
  'persona_not_found',
  'owned_by_resource',
  'name_taken',
  'store_unavailable',
];

/** `/v1/personas`: those of YAML and those that the API made; only the latter can be changed here. */
export const personaRoutes = [
  route(
    'GET',
    '/personas',
    {
      tags,
      summary: 'List personas',
      description: 'The personas that the caller’s user may use, by name.',
      roles: 'everyone for their own; analyst, reviewer or admin for those of all users',
      querystring: Type.Object({
        ...paging,
        is_active: Type.Boolean({ default: true, description: 'false: those that are not in use, instead.' }),
        all_users: Type.Boolean({
          default: false,
          description: 'Those that are restricted to other users, too; for an analyst, a reviewer or an admin.',
        }),
      }),
      response: { 200: Type.Object({ personas: Type.Array(PersonaAnswer), ...page }) },
    },
    ({ caller, query: { is_active, all_users, limit, offset } }, context) => {
      const filter = { isActive: is_active, allUsers: all_users, limit, offset };
      const { items, total } = listPersonas(context, caller, filter);
      return { personas: items.map((persona) => show(context, persona)), total, limit, offset };
    },
  ),
  route(
    'GET',
    '/personas/:id',
    {
      tags,
      summary: 'Get a persona',
      params,
      problems: ['persona_not_found'],
      response: { 200: PersonaAnswer },
    },
    ({ caller, params: { id } }, context) => show(context, getPersona(context, caller, id)),
  ),
  route(
    'POST',
    '/personas',
    {
      tags,
      summary: 'Create a persona',
      body: PersonaBody,
      problems: ['role_required', 'name_taken', 'store_unavailable'],
      roles: 'admin',
      response: { 201: PersonaAnswer },
    },
    async ({ caller, body }, context) => {
      const { name, content } = body;
      return show(context, await createPersona(context, caller, { ...parse(body), name, content }));
    },
  ),
  route(
    'PUT',
    '/personas/:id',
    {
      tags,
      summary: 'Replace a persona',
      description: 'Name, content and description become what the body says; other fields change where it names them.',
      params,
      body: PersonaBody,
      problems: changeProblems,
      roles: 'admin',
      response: { 200: PersonaAnswer },
    },
    async ({ caller, params: { id }, body }, context) => {
      const changes = { ...parse(body), description: body.description ?? null };
      return show(context, await changePersona(context, caller, id, changes));
    },
  ),
  route(
    'PATCH',
    '/personas/:id',
    {
      tags,
      summary: 'Change a persona',
      params,
      body: PersonaPatch,
      problems: changeProblems,
      roles: 'admin',
      response: { 200: PersonaAnswer },
    },
    async ({ caller, params: { id }, body }, context) =>
      show(context, await changePersona(context, caller, id, parse(body))),
  ),
  route(
    'DELETE',
    '/personas/:id',
    {
      tags,
      summary: 'Delete a persona',
      description: 'One that calls were made with is deactivated and kept, so that analytics can name it.',
      params,
      problems: ['role_required', 'persona_not_found', 'owned_by_resource', 'records_pending', 'store_unavailable'],
      roles: 'admin',
      response: { 200: RetiredAnswer },
    },
    async ({ caller, params: { id } }, context) =>
      showRetired(await retirePersona(context, caller, id), {
        deleted: 'The persona has been deleted',
        deactivated: 'The persona has been used, so it was deactivated and is kept for analytics',
      }),
  ),
];

function parse({
  name,
  content,
  description,
  user_id,
  users,
  model,
  parameters,
  is_active,
}: PersonaPatch): PersonaFields {
  return { name, content, description, user: user_id, users, model, parameters, isActive: is_active };
}

/** Contract 0's persona, and beside it what YAML can say of one. */
function show({ inForce }: Pick<GovernanceContext, 'inForce'>, persona: Persona): Static<typeof PersonaAnswer> {
  const users = [...persona.users];
  return {
    id: persona.id,
    organization_id: inForce().snapshot.organizationId,
    user_id: users.length === 1 ? (users[0] ?? null) : null,
    users,
    name: persona.name,
    description: persona.description,
    content: persona.content,
    model: persona.model ?? null,
    parameters: persona.parameters,
    is_active: persona.isActive,
    managed_by: persona.resource === null ? null : `Persona ${persona.resource}`,
    created_at: persona.createdAt,
    updated_at: persona.updatedAt,
  };
}
