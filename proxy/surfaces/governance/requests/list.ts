import { Type } from 'typebox';
import { listRequests } from '../../../governance/requests/list.ts';
import { ownOrReaders } from '../../../http/described.ts';
import { Nullable, Uuid } from '../../../http/schemas.ts';
import { route } from '../route.ts';
import { cacheResults, exampleListed, listed, showListed, statuses } from './fields.ts';

const Text = (maxLength: number, description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength, description }));
const Moment = (description: string) => Type.Optional(Type.String({ maxLength: 40, description }));

/** `GET /v1/requests` */
export const requestList = route(
  'GET',
  '/requests',
  {
    tags: ['Requests'],
    summary: 'List recorded calls',
    description:
      'The latest first: your own, or, for an analyst, reviewer or admin, those of the organization. A call is recorded at its end. What was refused before it was sent is in the audit log.',
    querystring: Type.Object({
      since: Moment('Only calls that began at this moment or later. By default 30 days before `until`.'),
      until: Moment('Only calls that began before this moment. By default now.'),
      kind: Type.Enum(['call', 'analysis', 'all'], {
        default: 'call',
        description: 'Calls that users made, calls that analyses made, or both.',
      }),
      status: Type.Optional(Type.Enum([...statuses])),
      operation: Text(64, 'Such as `chat`.'),
      user_id: Text(255, 'Only calls of this user (X-User-ID).'),
      session_id: Text(128, 'Only calls of this session.'),
      conversation_id: Type.Optional({ ...Uuid, description: 'Only calls of this conversation.' }),
      persona_id: Type.Optional({ ...Uuid, description: 'Only calls with this persona.' }),
      namespace: Text(253, 'Only calls of pods in this namespace.'),
      provider: Text(253, 'By its name in the Organization.'),
      model: Text(200, 'Only calls that asked for this model or got it.'),
      error_code: Text(200, 'Only calls with this error.'),
      guardrail: Text(253, 'Only calls in which this guardrail has found something.'),
      has_guardrail_hits: Type.Boolean({
        default: false,
        description: 'Only calls in which any guardrail has found something.',
      }),
      cache: Type.Optional(Type.Enum([...cacheResults], { description: 'Only calls of which the cache did this.' })),
      min_duration_ms: Type.Optional(
        Type.Integer({ minimum: 0, maximum: 1_209_600_000, description: 'Only calls that took as long or longer.' }),
      ),
      before: Text(64, 'The `next` of the page before.'),
      limit: Type.Integer({ minimum: 1, maximum: 200, default: 50, description: 'How many are wanted at most.' }),
    }),
    problems: ['role_required', 'records_pending', 'store_unavailable'],
    roles: ownOrReaders,
    response: {
      200: Type.Object(
        {
          requests: Type.Array(Type.Object(listed)),
          next: Nullable(Type.String(), 'What `before` is for the next page; null: there is none.'),
        },
        { example: { requests: [exampleListed], next: null } },
      ),
    },
  },
  async ({ caller, query }, context) => {
    const { requests, next } = await listRequests(
      context,
      caller,
      {
        ...{ since: query.since, until: query.until, kind: query.kind, status: query.status, user: query.user_id },
        ...{ operation: query.operation, session: query.session_id, conversationId: query.conversation_id },
        ...{ personaId: query.persona_id, namespace: query.namespace, provider: query.provider, model: query.model },
        ...{ errorCode: query.error_code, guardrail: query.guardrail, hasGuardrailHits: query.has_guardrail_hits },
        ...{ cacheStatus: query.cache, minDurationMs: query.min_duration_ms, before: query.before },
      },
      query.limit,
    );
    return { requests: requests.map(showListed), next };
  },
);
