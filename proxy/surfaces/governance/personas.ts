import { randomUUID } from 'node:crypto';
import { DatabaseError } from 'pg';
import { type Static, Type } from 'typebox';
import { findInvalidParameter, findReservedParameter } from '../../../crds/persona-parameters.ts';
import { insertPersona, type PersonaChanges, retirePersona, updatePersona } from '../../../database/personas.ts';
import { findUnstorable } from '../../../database/storable.ts';
import { admitRole, isOpenTo, mayUsePersona, personaNotFound, seesOrganization } from '../../calls/admit/admit.ts';
import type { Caller } from '../../calls/call.ts';
import type { InForce } from '../../calls/context.ts';
import { type ProblemCode, ProxyError } from '../../error.ts';
import { page, pageOf, paging } from '../../http/paging.ts';
import { Name, Nullable, storable, Timestamp, Uuid } from '../../http/schemas.ts';
import type { SurfaceApp } from '../../http/surface.ts';
import type { Persona, Snapshot } from '../../snapshot/snapshot.ts';
import type { GovernanceContext } from './context.ts';
import { readUserId } from './user-id.ts';

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

const changeProblems: readonly ProblemCode[] = [
  'role_required',
  'persona_not_found',
  'owned_by_resource',
  'name_taken',
  'store_unavailable',
];

/** `/v1/personas`: those of YAML and those that the API made; only the latter can be changed here. */
export function registerPersonas(app: SurfaceApp, { inForce, store, shipped, catchUp }: GovernanceContext): void {
  app.get(
    '/personas',
    {
      schema: {
        tags,
        summary: 'List personas',
        description: 'The personas that the caller’s user may use, by name.',
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
    },
    async ({ query, caller }) => {
      const { snapshot } = inForce();
      if (query.all_users) admitRole(caller, 'analyst', 'reviewer');
      const personas = [...snapshot.personas.values()]
        .filter((persona) => query.all_users || isOpenTo(persona, caller))
        .filter(({ isActive }) => isActive === query.is_active)
        .sort((a, b) => (a.name < b.name ? -1 : 1));
      const { items, ...rest } = pageOf(personas, query);
      return { personas: items.map((persona) => show(persona, snapshot)), ...rest };
    },
  );

  app.get(
    '/personas/:id',
    {
      schema: {
        tags,
        summary: 'Get a persona',
        params,
        problems: ['persona_not_found'],
        response: { 200: PersonaAnswer },
      },
    },
    async (request) => {
      const { snapshot } = inForce();
      return show(findVisible(inForce(), request.caller, request.params.id), snapshot);
    },
  );

  app.post(
    '/personas',
    {
      schema: {
        tags,
        summary: 'Create a persona',
        body: PersonaBody,
        problems: ['role_required', 'name_taken', 'store_unavailable'],
        response: { 201: PersonaAnswer },
      },
    },
    async (request, reply) => {
      admitRole(request.caller, 'admin');
      const { snapshot, envelope } = inForce();
      const { organizationId } = snapshot;
      const { name, content, description, model, is_active } = request.body;
      const personaId = randomUUID();
      const place = { organizationId, column: 'personas.content', rowId: personaId };
      const persona = {
        organizationId,
        personaId,
        name: storable(name),
        description: description == null ? null : storable(description),
        contentSealed: envelope.seal(place, content),
        users: readUsers(request.body) ?? [],
        model: model == null ? null : storable(model),
        parameters: readParameters(request.body.parameters) ?? {},
        isActive: is_active ?? true,
      };
      await writing(name, () => store.run((db) => insertPersona(db, persona)));
      await catchUp();
      reply.code(201);
      return show(requirePersona(inForce(), personaId), snapshot);
    },
  );

  const update = async (caller: Caller, id: string, body: Static<typeof PersonaPatch>) => {
    admitRole(caller, 'admin');
    const { snapshot, envelope } = inForce();
    const { organizationId } = snapshot;
    const persona = requireOwn(findVisible(inForce(), caller, id));
    const { name, content, description, model } = body;
    const place = { organizationId, column: 'personas.content', rowId: persona.id };
    const changes: PersonaChanges = {
      name: name === undefined ? undefined : storable(name),
      description: description == null ? description : storable(description),
      contentSealed: content === undefined ? undefined : envelope.seal(place, content),
      users: readUsers(body),
      model: model == null ? model : storable(model),
      parameters: readParameters(body.parameters),
      isActive: body.is_active,
    };
    const found = await writing(name ?? persona.name, () =>
      store.run((db) => updatePersona(db, organizationId, persona.id, changes)),
    );
    await catchUp();
    if (!found) throw new ProxyError('persona_not_found', { param: 'id' });
    return show(requirePersona(inForce(), persona.id), snapshot);
  };
  app.put(
    '/personas/:id',
    {
      schema: {
        tags,
        summary: 'Replace a persona',
        description:
          'Name, content and description become what the body says; other fields change where it names them.',
        params,
        body: PersonaBody,
        problems: changeProblems,
        response: { 200: PersonaAnswer },
      },
    },
    ({ caller, params: { id }, body }) => update(caller, id, { ...body, description: body.description ?? null }),
  );
  app.patch(
    '/personas/:id',
    {
      schema: {
        tags,
        summary: 'Change a persona',
        params,
        body: PersonaPatch,
        problems: changeProblems,
        response: { 200: PersonaAnswer },
      },
    },
    ({ caller, params: { id }, body }) => update(caller, id, body),
  );

  app.delete(
    '/personas/:id',
    {
      schema: {
        tags,
        summary: 'Delete a persona',
        description: 'One that calls were made with is deactivated and kept, so that analytics can name it.',
        params,
        problems: ['role_required', 'persona_not_found', 'owned_by_resource', 'store_unavailable'],
        response: {
          200: Type.Object({
            id: Uuid,
            deleted: Type.Boolean(),
            deactivated: Type.Boolean(),
            message: Type.String(),
          }),
        },
      },
    },
    async ({ caller, params: { id } }) => {
      admitRole(caller, 'admin');
      const { snapshot } = inForce();
      const persona = requireOwn(findVisible(inForce(), caller, id));
      // A call that was just made with it is one, too.
      await shipped();
      const outcome = await store.run((db) => retirePersona(db, snapshot.organizationId, persona.id));
      await catchUp();
      if (!outcome) throw new ProxyError('persona_not_found', { param: 'id' });
      return {
        id: persona.id,
        deleted: outcome === 'deleted',
        deactivated: outcome === 'deactivated',
        message:
          outcome === 'deleted'
            ? 'The persona has been deleted'
            : 'The persona has been used, so it was deactivated and is kept for analytics',
      };
    },
  );
}

function isVisible(persona: Persona, caller: Caller): boolean {
  return mayUsePersona(persona, caller) || seesOrganization(caller);
}

/** @throws {ProxyError} `persona_not_found`, the same for one that there is not and one that is not the caller's */
function findVisible({ snapshot }: InForce, caller: Caller, id: string): Persona {
  const persona = snapshot.personas.get(id.toLowerCase());
  if (!persona || !isVisible(persona, caller)) throw personaNotFound(id, 'id');
  return persona;
}

function requirePersona({ snapshot }: InForce, id: string): Persona {
  const persona = snapshot.personas.get(id);
  if (!persona) throw new ProxyError('persona_not_found', { param: 'id' });
  return persona;
}

/** @throws {ProxyError} `owned_by_resource` */
function requireOwn(persona: Persona): Persona {
  if (persona.resource === null) return persona;
  const message = `The persona is owned by the Kubernetes resource Persona ${persona.resource}; change it there`;
  throw new ProxyError('owned_by_resource', { param: 'id', message });
}

async function writing<T>(name: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    if (!(cause instanceof DatabaseError && cause.constraint === 'personas_name')) throw cause;
    const message = `A persona with the name ${JSON.stringify(name)} already exists`;
    throw new ProxyError('name_taken', { param: 'name', message, cause });
  }
}

/** @throws {ProxyError} `invalid_request` for what is no user's id, and where `user_id` and `users` say different things */
function readUsers({ user_id, users }: Static<typeof PersonaPatch>): readonly string[] | undefined {
  if (user_id === undefined) return users?.map((user, index) => readUserId(`users[${index}]`, user));
  const named = user_id === null ? [] : [readUserId('user_id', user_id)];
  if (users === undefined || (users.length === named.length && users[0] === named[0])) return named;
  throw new ProxyError('invalid_request', {
    param: 'users',
    message: 'users must not be given beside another user_id',
  });
}

/** @throws {ProxyError} `invalid_request` */
function readParameters(parameters: Record<string, unknown> | undefined): Record<string, unknown> | undefined {
  const unstorable = parameters && findUnstorable(parameters);
  if (unstorable) {
    // The place of what is nested too deep is as long as it is deep.
    const param = `parameters${unstorable.place}`.slice(0, 200);
    throw new ProxyError('invalid_request', { param, message: `${param} ${unstorable.reason}` });
  }
  const refused = parameters && (findReservedParameter(parameters) ?? findInvalidParameter(parameters));
  if (refused) {
    const param = `parameters.${refused.name}`.slice(0, 200);
    throw new ProxyError('invalid_request', { param, message: `${param} ${refused.reason}` });
  }
  return parameters;
}

/** Contract 0's persona, and beside it what YAML can say of one. */
function show(persona: Persona, snapshot: Snapshot) {
  const users = [...persona.users];
  return {
    id: persona.id,
    organization_id: snapshot.organizationId,
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
