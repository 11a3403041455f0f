import { Type } from 'typebox';
import { stepNames } from '../../calls/explain/explanation.ts';
import { explainCall } from '../../governance/explain.ts';
import { Nullable, Timestamp } from '../../http/schemas.ts';
import { route } from './route.ts';
import { showExplanation } from './show-explanation.ts';

const Decided = Type.Object({
  resource: Type.String({ description: 'Such as `Organization/acme` or `ApiKeyBinding/web/openai`.' }),
  field: Nullable(Type.String(), 'Such as `spec.models.allow[2]`; null: the resource as a whole.'),
});
const decided = (description: string) => Type.Array(Decided, { description });
const milliseconds = (description: string) => Type.Integer({ description: `${description}, in milliseconds.` });

const Asked = Type.Object(
  {
    operation: Type.Optional(Type.String({ maxLength: 64, description: 'What would be asked, such as `chat`.' })),
    path: Type.Optional(Type.String({ maxLength: 200, description: 'Or its path, such as `/v1/chat/completions`.' })),
    body: Type.Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description:
          'The body of the call; of a form, its text fields. Left out: the least that is required, and empty.',
      }),
    ),
    model: Type.Optional(Type.String({ maxLength: 200, description: 'In place of the model in the body.' })),
    user_id: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 255,
        description: 'Whose call it would be; you, if left out. Another user needs an admin.',
      }),
    ),
    session_id: Type.Optional(Type.String({ minLength: 1, maxLength: 128, description: 'A new one, if left out.' })),
    namespace: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 253,
        description: 'Of the pod that would call; the proxy’s own, if left out. It needs an admin.',
      }),
    ),
    workload: Type.Optional(Type.String({ maxLength: 253, description: 'The pod’s Deployment, Job or the like.' })),
  },
  {
    additionalProperties: false,
    example: { operation: 'chat', body: { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }] } },
  },
);

const exampleDecider = { resource: 'Organization/acme', field: 'spec.models.allow' };
const Answer = Type.Object(
  {
    outcome: Type.Enum(['allowed', 'refused']),
    error: Nullable(
      Type.Object({
        status: Type.Integer(),
        code: Type.String(),
        message: Type.String(),
        param: Nullable(Type.String()),
      }),
      'What the call would get. Null: it would be answered.',
    ),
    decided_by: decided(
      'What to change for another outcome. Empty where nothing refuses the call, or the call itself is at fault.',
    ),
    operation: Type.String(),
    user_id: Nullable(Type.String()),
    session_id: Type.String(),
    model: Nullable(Type.String()),
    steps: Type.Array(
      Type.Object({
        check: Type.Enum([...stepNames]),
        result: Type.Enum(['passed', 'refused', 'unknown', 'not_reached'], {
          description: '`unknown`: it cannot be told without sending something.',
        }),
        detail: Type.String(),
        decided_by: decided('The fields that were read.'),
      }),
      { description: 'All decisions, in the order in which they are made.' },
    ),
    route: Type.Array(
      Type.Object({
        binding: Type.String(),
        provider: Type.String(),
        model: Nullable(Type.String(), 'As the provider calls it.'),
        share: Nullable(
          Type.Number(),
          'The part of the calls that go to it first; null where providers do not share calls.',
        ),
        state: Type.Enum(['well', 'open', 'limited'], {
          description: '`open`: it failed, and calls go elsewhere for a while; `limited`: it has had too many calls.',
        }),
        chosen: Type.Boolean(),
      }),
      { description: 'The keys that may serve the call, in the order in which they would be tried.' },
    ),
    rules: Type.Array(
      Type.Object({
        kind: Type.Enum(['limit', 'budget', 'tier']),
        name: Type.String(),
        decided_by: Decided,
        per: Type.String(),
        scope: Nullable(Type.String()),
        unit: Type.String({ description: 'Of the amounts; `usd` are US dollars.' }),
        limit: Type.Number(),
        used: Type.Number(),
        reserved: Type.Number({ description: 'What proxies hold for running calls and for the next ones.' }),
        remaining: Type.Number({ description: 'What a call of this proxy could get.' }),
        needs: Type.Number({ description: 'What the call may need at most.' }),
        enforced: Type.Boolean(),
        would_exceed: Type.Boolean(),
        resets_at: Nullable(Timestamp),
      }),
      { description: 'The limits, budgets and tiers that count the call.' },
    ),
    guardrails: Type.Array(
      Type.Object({
        name: Type.String(),
        decided_by: Decided,
        detector: Type.String(),
        applies_to: Type.String(),
        action: Type.String(),
        finds: Nullable(
          Type.Boolean(),
          'Whether it finds something in the body; null: it is about answers, or asks a service, which is not asked here.',
        ),
      }),
      { description: 'The guardrails that are for the call.' },
    ),
    cache: Nullable(
      Type.Object({
        result: Type.Enum(['hit', 'miss', 'bypass', 'unknown'], {
          description:
            '`hit`: no provider is asked; `bypass`: the call is not for the cache; `unknown`: nobody looked.',
        }),
        age_seconds: Nullable(Type.Integer(), 'Of the answer of a hit.'),
        because: Nullable(Type.String(), 'Why the call is not for the cache.'),
      }),
      'What the cache would do, without Cache-Control. Null: there is none, or the call is refused before.',
    ),
    bounds: Nullable(
      Type.Object({
        input_tokens: Type.Integer(),
        output_tokens: Type.Integer(),
        cost_usd: Nullable(Type.Number(), 'Null: no price is known ahead.'),
      }),
      'The most that limits and budgets expect of the call.',
    ),
    timeouts: Nullable(
      Type.Object({
        connect_ms: Nullable(milliseconds('Until a connection stands')),
        headers_ms: milliseconds('Until the answer begins'),
        idle_ms: milliseconds('Between two parts of the answer'),
        total_ms: Nullable(milliseconds('Of the whole answer')),
      }),
      'Of the provider that would be asked first.',
    ),
    retries: Nullable(
      Type.Object({
        attempts: Type.Integer({ description: 'The most requests of the call.' }),
        within_ms: milliseconds('How long further attempts may begin'),
        repeats: Type.Integer({ description: 'How often the same key is asked again.' }),
      }),
    ),
    notes: Type.Array(Type.String(), { description: 'What may differ in the real call.' }),
  },
  {
    example: {
      outcome: 'refused',
      error: {
        status: 403,
        code: 'model_not_allowed',
        message: 'The organization does not allow the model "gpt-3.5-turbo"; GET /v1/models lists those that it allows',
        param: 'model',
      },
      decided_by: [exampleDecider],
      operation: 'chat',
      user_id: 'user@example.com',
      session_id: 'sess_01',
      model: 'gpt-3.5-turbo',
      steps: [
        {
          check: 'models',
          result: 'refused',
          detail: 'The organization does not allow the model',
          decided_by: [exampleDecider],
        },
      ],
      ...{ route: [], rules: [], guardrails: [], cache: null, bounds: null, timeouts: null, retries: null, notes: [] },
    },
  },
);

/** `POST /v1/explain` */
export const explain = route(
  'POST',
  '/explain',
  {
    tags: ['Explanations'],
    summary: 'Explain a call',
    description:
      'What would happen to such a call now, and which field of which resource decides. Nothing is sent, counted or recorded.',
    body: Asked,
    problems: ['role_required', 'store_unavailable'],
    roles: 'everyone for calls of their own; admin for all',
    response: { 200: Answer },
  },
  async ({ callContext, headers, body: { user_id: user, session_id: session, ...asked } }, context) =>
    showExplanation(await explainCall(context, callContext, { ...asked, user, session, headers })),
);
