import { type Static, Type } from 'typebox';
import type { ProblemCode } from '../../error.ts';
import {
  changeWebhook,
  createWebhook,
  getWebhook,
  listWebhookDeliveries,
  listWebhooks,
  retireWebhook,
  rotateWebhook,
  sendWebhookTest,
  type Webhook,
  webhookEvents,
} from '../../governance/webhooks.ts';
import { page, paging } from '../../http/paging.ts';
import { Name, Nullable, Timestamp, Uuid } from '../../http/schemas.ts';
import { RetiredAnswer, showRetired } from './retired.ts';
import { route } from './route.ts';

const tags = ['Webhooks'];
const params = Type.Object({ id: Type.String({ description: 'The webhook’s id, a UUID.' }) });
const readProblems: readonly ProblemCode[] = ['role_required', 'webhook_not_found', 'store_unavailable'];
const changeProblems: readonly ProblemCode[] = [...readProblems, 'owned_by_resource'];

const example = { name: 'incidents', url: 'https://hooks.example.com/chaperone', events: ['budget.warning' as const] };
const exampleSecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=';

const Events = Nullable(
  Type.Array(Type.Union(webhookEvents.map((event) => Type.Literal(event))), { minItems: 1, maxItems: 32 }),
  'The events that it is told of; null: all of them.',
);
const Secret = Type.String({
  pattern: '^[!-~]{16,200}$',
  description: 'Signs what is sent. `whsec_` and base64 is what libraries of Standard Webhooks expect.',
});

const WebhookAnswer = Type.Object({
  id: Uuid,
  name: Type.String(),
  url: Type.String(),
  events: Nullable(Type.Array(Type.String()), 'Null: all of them.'),
  is_active: Type.Boolean(),
  managed_by: Nullable(Type.String(), 'The Kubernetes resource that owns it; null where the API made it.'),
  failing_since: Nullable(Timestamp, 'Since when every attempt has failed; null: they do not.'),
  disabled_at: Nullable(Timestamp, 'Since when nothing is sent, because it had failed for days; null: it is not so.'),
  last_failure: Nullable(Type.String(), 'Why the last attempt has failed; null: it has not.'),
  created_at: Timestamp,
  updated_at: Timestamp,
});
const exampleWebhook = {
  ...{ id: '550e8400-e29b-41d4-a716-446655440000', ...example, is_active: true, managed_by: null },
  ...{ failing_since: null, disabled_at: null, last_failure: null },
  ...{ created_at: '2026-06-01T12:00:00.000Z', updated_at: '2026-06-01T12:00:00.000Z' },
};
const MadeAnswer = Type.Object(
  { ...WebhookAnswer.properties, secret: Type.String({ description: 'It is never shown again.' }) },
  { example: { ...exampleWebhook, secret: exampleSecret } },
);

const fields = {
  name: Name,
  url: Type.String({
    maxLength: 2_048,
    description:
      'Where events are sent to, by POST. http and addresses that are not public need spec.webhookNetworks of the Organization.',
  }),
  events: Type.Optional(Events),
  is_active: Type.Optional(Type.Boolean({ description: 'Whether events are sent to it. Absent: they are.' })),
};
const strict = { additionalProperties: false };
const NewWebhook = Type.Object({ ...fields, secret: Type.Optional(Secret) }, { ...strict, example });
const WebhookPatch = Type.Partial(Type.Object(fields), { ...strict, example: { is_active: true } });
const Rotation = Type.Object(
  {
    secret: Type.Optional(Secret),
    overlap_seconds: Type.Integer({
      ...{ minimum: 0, maximum: 7 * 86_400, default: 86_400 },
      description: 'How long the former secret signs beside it.',
    }),
  },
  { ...strict, example: { overlap_seconds: 3_600 } },
);

const state = Type.Union([Type.Literal('waiting'), Type.Literal('delivered'), Type.Literal('dead')]);
const DeliveryAnswer = Type.Object({
  id: Uuid,
  event_id: Type.String({ format: 'uuid', description: 'The header webhook-id: the same in each attempt.' }),
  event: Type.String(),
  subject: Type.String({ description: 'Events about the same subject are delivered in order.' }),
  state,
  attempts: Type.Integer(),
  last_attempt_at: Nullable(Timestamp),
  last_status: Nullable(Type.Integer(), 'The HTTP status; null: there was no answer.'),
  last_error: Nullable(Type.String()),
  last_duration_ms: Nullable(Type.Number()),
  created_at: Timestamp,
  ended_at: Nullable(Timestamp),
});

/** `/v1/webhooks`: those of the Organization and those that the API made; only the latter can be changed here. */
export const webhookRoutes = [
  route(
    'GET',
    '/webhooks',
    {
      ...{ tags, summary: 'List webhooks', querystring: Type.Object(paging) },
      problems: ['role_required', 'store_unavailable'],
      roles: 'admin',
      response: { 200: Type.Object({ webhooks: Type.Array(WebhookAnswer), ...page }) },
    },
    async ({ caller, query: { limit, offset } }, context) => {
      const { items, total } = await listWebhooks(context, caller, { limit, offset });
      return { webhooks: items.map(show), total, limit, offset };
    },
  ),
  route(
    'POST',
    '/webhooks',
    {
      ...{ tags, summary: 'Make a webhook', body: NewWebhook },
      problems: ['role_required', 'name_taken', 'store_unavailable'],
      roles: 'admin',
      response: { 201: MadeAnswer },
    },
    async ({ caller, body: { is_active, ...others } }, context) => {
      const { webhook, secret } = await createWebhook(context, caller, { ...others, isActive: is_active });
      return { ...show(webhook), secret };
    },
  ),
  route(
    'GET',
    '/webhooks/:id',
    {
      ...{ tags, summary: 'Get a webhook', params },
      problems: readProblems,
      roles: 'admin',
      response: { 200: WebhookAnswer },
    },
    async ({ caller, params: { id } }, context) => show(await getWebhook(context, caller, id)),
  ),
  route(
    'PATCH',
    '/webhooks/:id',
    {
      ...{ tags, summary: 'Change a webhook', params, body: WebhookPatch },
      description: 'Fields that the body names change. `is_active: true` also enables one that was disabled.',
      problems: [...changeProblems, 'name_taken'],
      roles: 'admin',
      response: { 200: WebhookAnswer },
    },
    async ({ caller, params: { id }, body: { is_active, ...others } }, context) =>
      show(await changeWebhook(context, caller, id, { ...others, isActive: is_active })),
  ),
  route(
    'DELETE',
    '/webhooks/:id',
    {
      ...{ tags, summary: 'Delete a webhook', params },
      description: 'What is on its way to it is not delivered.',
      problems: changeProblems,
      roles: 'admin',
      response: { 200: RetiredAnswer },
    },
    async ({ caller, params: { id } }, context) =>
      showRetired(await retireWebhook(context, caller, id), {
        deleted: 'The webhook has been deleted',
        deactivated: 'The webhook has been deactivated',
      }),
  ),
  route(
    'POST',
    '/webhooks/:id/rotate',
    {
      ...{ tags, summary: 'Replace the secret of a webhook', params, body: Rotation },
      problems: changeProblems,
      roles: 'admin',
      response: { 200: MadeAnswer },
    },
    async ({ caller, params: { id }, body }, context) => {
      const wanted = { secret: body.secret, overlapMs: body.overlap_seconds * 1_000 };
      const { webhook, secret } = await rotateWebhook(context, caller, id, wanted);
      return { ...show(webhook), secret };
    },
  ),
  route(
    'POST',
    '/webhooks/:id/test',
    {
      ...{ tags, summary: 'Send a test to a webhook', params },
      description: 'A worker sends it, once. The list of deliveries shows how that went.',
      problems: readProblems,
      roles: 'admin',
      response: { 202: Type.Object({ delivery_id: Uuid }) },
    },
    async ({ caller, params: { id } }, context) => ({ delivery_id: await sendWebhookTest(context, caller, id) }),
  ),
  route(
    'GET',
    '/webhooks/:id/deliveries',
    {
      ...{ tags, summary: 'List what was sent to a webhook', params },
      description: 'The latest first. A delivery is kept for 30 days after its end.',
      querystring: Type.Object({ ...paging, state: Type.Optional(state) }),
      problems: readProblems,
      roles: 'admin',
      response: { 200: Type.Object({ deliveries: Type.Array(DeliveryAnswer), ...page }) },
    },
    async ({ caller, params: { id }, query }, context) => {
      const { limit, offset } = query;
      const filter = { limit, offset, state: query.state };
      const { items, total } = await listWebhookDeliveries(context, caller, id, filter);
      return { deliveries: items.map(showDelivery), total, limit, offset };
    },
  ),
];

function show(webhook: Webhook): Static<typeof WebhookAnswer> {
  const { webhookId: id, name, url, events, isActive, resource, failingSince, disabledAt, reason } = webhook;
  return {
    ...{ id, name, url, events: events && [...events], is_active: isActive },
    managed_by: resource === null ? null : `Organization ${resource}`,
    failing_since: failingSince?.toISOString() ?? null,
    disabled_at: disabledAt?.toISOString() ?? null,
    last_failure: reason,
    created_at: webhook.createdAt.toISOString(),
    updated_at: webhook.updatedAt.toISOString(),
  };
}

type Delivery = Awaited<ReturnType<typeof listWebhookDeliveries>>['items'][number];

function showDelivery(delivery: Delivery): Static<typeof DeliveryAnswer> {
  const { deliveryId, eventId, event, subject, state, attempts, lastStatus, lastError, lastDurationMs } = delivery;
  return {
    ...{ id: deliveryId, event_id: eventId, event, subject, state, attempts },
    last_attempt_at: delivery.lastAttemptAt?.toISOString() ?? null,
    ...{ last_status: lastStatus, last_error: lastError, last_duration_ms: lastDurationMs },
    created_at: delivery.createdAt.toISOString(),
    ended_at: delivery.endedAt?.toISOString() ?? null,
  };
}
