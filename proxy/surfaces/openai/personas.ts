import type { FastifyInstance } from 'fastify';
import { ProxyError } from '../../error.ts';
import { admitPersona, mayUsePersona } from '../../pipeline/admit.ts';
import type { InForce } from '../../pipeline/pipeline.ts';
import type { Persona, Snapshot } from '../../snapshot/snapshot.ts';

const defaultLimit = 100;
const maxLimit = 1_000;

/** `GET /v1/personas`: those that the caller's user may use, by name. */
export function registerPersonas(app: FastifyInstance, { inForce }: { readonly inForce: () => InForce }): void {
  app.get<{ Querystring: Record<string, unknown> }>('/personas', async (request) => {
    const { snapshot } = inForce();
    const limit = readCount(request.query, 'limit', defaultLimit, maxLimit);
    const offset = readCount(request.query, 'offset', 0, Number.MAX_SAFE_INTEGER);
    const personas = [...snapshot.personas.values()]
      .filter((persona) => mayUsePersona(persona, request.caller))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    return {
      personas: personas.slice(offset, offset + limit).map((persona) => show(persona, snapshot)),
      total: personas.length,
      limit,
      offset,
    };
  });
  app.get<{ Params: { id: string } }>('/personas/:id', async (request) => {
    const { snapshot } = inForce();
    return show(admitPersona(snapshot, request.caller, request.params.id), snapshot);
  });
}

/** Contract 0's persona; `user_id` is the one user it is restricted to, `users` all of them. */
function show(persona: Persona, snapshot: Snapshot) {
  const users = [...persona.users];
  return {
    id: persona.id,
    organization_id: snapshot.organizationId,
    user_id: users.length === 1 ? users[0] : null,
    users,
    name: persona.name,
    description: persona.description,
    content: persona.content,
    is_active: persona.isActive,
    created_at: persona.createdAt,
    updated_at: persona.updatedAt,
  };
}

function readCount(query: Record<string, unknown>, name: string, fallback: number, max: number): number {
  const text = query[name];
  if (text === undefined) return fallback;
  const count = typeof text === 'string' && /^\d{1,15}$/.test(text) ? Number(text) : -1;
  if (count >= 0 && count <= max) return count;
  throw new ProxyError('invalid_request', { param: name, message: `${name} must be a whole number from 0 to ${max}` });
}
