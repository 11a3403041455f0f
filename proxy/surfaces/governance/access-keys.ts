import { Type } from 'typebox';
import type { ProblemCode } from '../../error.ts';
import {
  type AccessKey,
  createAccessKey,
  getAccessKey,
  listAccessKeys,
  originPattern,
  revokeAccessKey,
  rotateAccessKey,
} from '../../governance/access-keys.ts';
import { page, paging } from '../../http/paging.ts';
import { Name, Nullable, Timestamp, Uuid } from '../../http/schemas.ts';
import { route } from './route.ts';

const tags = ['Keys'];
const params = Type.Object({ id: Type.String({ description: 'The key’s id, a UUID.' }) });
const readProblems: readonly ProblemCode[] = ['role_required', 'access_key_not_found', 'store_unavailable'];

const type = Type.Union([Type.Literal('secret'), Type.Literal('public')], {
  description: '`secret` (`sk_…`) for servers; `public` (`pk_…`) for web pages, whose visitors can read it.',
});
const role = Type.Union(['member', 'analyst', 'reviewer', 'admin'].map((name) => Type.Literal(name)));
const rate = Type.Integer({ minimum: 1, maximum: 1_000_000_000 });

const KeyAnswer = Type.Object({
  id: Uuid,
  name: Type.String(),
  type,
  roles: Type.Array(Type.String(), { description: 'Of a secret key; empty: the organization’s default roles.' }),
  allowed_origins: Nullable(Type.Array(Type.String()), 'Of a public key: the web pages that may use it.'),
  requests_per_hour: Nullable(Type.Integer(), 'Null: of a secret key no limit of its own, of a public one 1,000.'),
  visitor_requests_per_hour: Nullable(Type.Integer(), 'Of a public key, of each visitor. Null: 60.'),
  hint: Type.String({ description: 'Its beginning and its end.' }),
  expires_at: Nullable(Timestamp),
  former_until: Nullable(Timestamp, 'Until when the key before the last rotation is accepted, too.'),
  created_at: Timestamp,
  rotated_at: Nullable(Timestamp),
});
const exampleKey = {
  ...{ id: '550e8400-e29b-41d4-a716-446655440000', name: 'website', type: 'public' as const, roles: [] },
  ...{ allowed_origins: ['https://shop.example.com'], requests_per_hour: null, visitor_requests_per_hour: null },
  ...{ hint: 'pk_MfKQ…GKo8', expires_at: null, former_until: null },
  ...{ created_at: '2026-06-01T12:00:00.000Z', rotated_at: null },
};
const MadeAnswer = Type.Object(
  { ...KeyAnswer.properties, key: Type.String({ description: 'It is never shown again.' }) },
  { example: { ...exampleKey, key: 'pk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKo8' } },
);
const NewKey = Type.Object(
  {
    name: Name,
    type,
    roles: Type.Optional(Type.Array(role, { minItems: 1, maxItems: 4 })),
    allowed_origins: Type.Optional(
      Type.Array(
        Type.String({
          pattern: originPattern,
          maxLength: 255,
        }),
        { minItems: 1, maxItems: 64, description: 'Such as `https://shop.example.com` or `https://*.example.com`.' },
      ),
    ),
    requests_per_hour: Type.Optional(rate),
    visitor_requests_per_hour: Type.Optional(rate),
    expires_at: Type.Optional(Type.String({ format: 'date-time' })),
  },
  {
    additionalProperties: false,
    example: { name: 'website', type: 'public', allowed_origins: ['https://shop.example.com'] },
  },
);
const Rotation = Type.Object(
  {
    overlap_seconds: Type.Integer({
      ...{ minimum: 0, maximum: 7 * 86_400, default: 86_400 },
      description: 'How long the former key is accepted, too.',
    }),
  },
  { additionalProperties: false, example: { overlap_seconds: 3_600 } },
);

/** `/v1/keys`: keys of our own API that the API made. Those of `spec.apiKeys` are changed there. */
export const accessKeyRoutes = [
  route(
    'GET',
    '/keys',
    {
      ...{ tags, summary: 'List keys', querystring: Type.Object(paging) },
      description: 'Those that the API made and that are not revoked. The keys themselves are shown nowhere.',
      problems: ['role_required', 'store_unavailable'],
      roles: 'admin',
      response: { 200: Type.Object({ keys: Type.Array(KeyAnswer), ...page }) },
    },
    async ({ caller, query: { limit, offset } }, context) => {
      const { items, total } = await listAccessKeys(context, caller, { limit, offset });
      return { keys: items.map(show), total, limit, offset };
    },
  ),
  route(
    'POST',
    '/keys',
    {
      ...{ tags, summary: 'Make a key', body: NewKey },
      problems: ['role_required', 'name_taken', 'store_unavailable'],
      roles: 'admin',
      response: { 201: MadeAnswer },
    },
    async ({ caller, body }, context) => {
      const { key, text } = await createAccessKey(context, caller, {
        ...{ name: body.name, type: body.type, roles: body.roles, origins: body.allowed_origins },
        ...{ requestsPerHour: body.requests_per_hour, visitorRequestsPerHour: body.visitor_requests_per_hour },
        expiresAt: body.expires_at === undefined ? undefined : new Date(body.expires_at),
      });
      return { ...show(key), key: text };
    },
  ),
  route(
    'GET',
    '/keys/:id',
    { ...{ tags, summary: 'Get a key', params }, problems: readProblems, roles: 'admin', response: { 200: KeyAnswer } },
    async ({ caller, params: { id } }, context) => show(await getAccessKey(context, caller, id)),
  ),
  route(
    'POST',
    '/keys/:id/rotate',
    {
      ...{ tags, summary: 'Rotate a key', params, body: Rotation },
      description: 'Makes another key in its place. Its visitors stay the same.',
      problems: readProblems,
      roles: 'admin',
      response: { 200: MadeAnswer },
    },
    async ({ caller, params: { id }, body }, context) => {
      const { key, text } = await rotateAccessKey(context, caller, id, { overlapMs: body.overlap_seconds * 1_000 });
      return { ...show(key), key: text };
    },
  ),
  route(
    'DELETE',
    '/keys/:id',
    {
      ...{ tags, summary: 'Revoke a key', params },
      description: 'For good. Proxies refuse it within a second or so.',
      problems: readProblems,
      roles: 'admin',
      response: { 200: Type.Object({ id: Uuid, revoked: Type.Literal(true) }) },
    },
    async ({ caller, params: { id } }, context) => ({
      id: await revokeAccessKey(context, caller, id),
      revoked: true as const,
    }),
  ),
];

function show(key: AccessKey) {
  return {
    ...{ id: key.keyId, name: key.name, type: key.type, roles: [...key.roles] },
    allowed_origins: key.origins && [...key.origins],
    ...{ requests_per_hour: key.requestsPerHour, visitor_requests_per_hour: key.visitorRequestsPerHour },
    hint: key.hint,
    expires_at: key.expiresAt?.toISOString() ?? null,
    former_until: key.formerUntil?.toISOString() ?? null,
    created_at: key.createdAt.toISOString(),
    rotated_at: key.rotatedAt?.toISOString() ?? null,
  };
}
