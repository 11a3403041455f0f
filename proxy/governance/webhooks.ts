import { randomUUID } from 'node:crypto';
import { diffFields } from '../../database/audit/diff.ts';
import { toStorable } from '../../database/storable.ts';
import {
  type DeliveryRow,
  type DeliveryState,
  listDeliveries,
  noteHealthy,
  testWebhook,
} from '../../database/webhook-deliveries.ts';
import {
  makeWebhookSecret,
  openWebhookSecrets,
  replaceWebhookSecret,
  sealWebhookSecrets,
} from '../../database/webhook-secrets.ts';
import {
  deleteWebhook,
  insertWebhook,
  listWebhooks as listRows,
  readWebhook,
  updateWebhook,
  type WebhookRow,
  type WebhookWrite,
} from '../../database/webhooks.ts';
import type { Caller } from '../calls/call.ts';
import { ProxyError } from '../error.ts';
import type { GovernanceContext } from './context.ts';
import { type Retired, writeNamed } from './named.ts';
import type { Listed, Page } from './page.ts';
import { type RecordedChange, recorded } from './recorded.ts';
import { admitRole } from './roles.ts';

export { webhookEvents } from '../../database/webhook-events.ts';

type Context = Pick<GovernanceContext, 'inForce' | 'store'>;

/** A webhook, without its secret. */
export type Webhook = Omit<WebhookRow, 'secretsSealed'>;

/** A webhook as callers write it. In a change, an absent field stays as it is. */
export interface WebhookFields {
  readonly name?: string | undefined;
  readonly url?: string | undefined;
  /** Null: all. */
  readonly events?: readonly string[] | null | undefined;
  readonly isActive?: boolean | undefined;
}

export interface NewWebhook extends WebhookFields {
  readonly name: string;
  readonly url: string;
  /** Absent: one is made. */
  readonly secret?: string | undefined;
}

/** A webhook with its secret, which is shown only when it is made. */
export interface MadeWebhook {
  readonly webhook: Webhook;
  readonly secret: string;
}

/** Lists webhooks by name, for an admin. @throws {ProxyError} `role_required`, `store_unavailable` */
export async function listWebhooks(context: Context, caller: Caller, page: Page): Promise<Listed<Webhook>> {
  admitRole(caller, 'admin');
  const { webhooks, total } = await context.store.run((db) => listRows(db, organizationOf(context), page));
  return { items: webhooks, total };
}

/** Gets a webhook, for an admin. @throws {ProxyError} `role_required`, `webhook_not_found`, `store_unavailable` */
export async function getWebhook(context: Context, caller: Caller, id: string): Promise<Webhook> {
  admitRole(caller, 'admin');
  return find(context, id);
}

/**
 * Makes a webhook, for an admin.
 *
 * @throws {ProxyError} `role_required`, `invalid_request`, `name_taken`, `store_unavailable`
 */
export async function createWebhook(context: Context, caller: Caller, fields: NewWebhook): Promise<MadeWebhook> {
  admitRole(caller, 'admin');
  const { name, events = null, isActive = true, secret = makeWebhookSecret() } = fields;
  const webhookId = randomUUID();
  const write: WebhookWrite = {
    ...{ organizationId: organizationOf(context), webhookId, isActive },
    ...{ name: toStorable(name), url: checkUrl(fields.url), events: sorted(events) },
    secretsSealed: seal(context, webhookId, [{ secret, until: null }]),
  };
  await writeNamed('webhooks_name', 'A webhook', name, () =>
    recorded(
      context,
      caller,
      (db) => insertWebhook(db, write),
      () => describeChange('created', undefined, write),
    ),
  );
  return { webhook: await find(context, webhookId), secret };
}

/**
 * Changes a webhook that the API made, for an admin. One that is switched on, or gets another URL, is no longer disabled.
 *
 * @throws {ProxyError} as `createWebhook`, and `webhook_not_found`, `owned_by_resource`
 */
export async function changeWebhook(
  context: Context,
  caller: Caller,
  id: string,
  changes: WebhookFields,
): Promise<Webhook> {
  admitRole(caller, 'admin');
  const { name, url, events, isActive } = changes;
  const former = requireOwn(await find(context, id));
  const write = writeOf(context, former, {
    ...(name !== undefined && { name: toStorable(name) }),
    ...(url !== undefined && { url: checkUrl(url) }),
    ...(events !== undefined && { events: sorted(events) }),
    ...(isActive !== undefined && { isActive }),
  });
  await writeNamed('webhooks_name', 'A webhook', write.name, () =>
    recorded(
      context,
      caller,
      async (db) => {
        if (!(await updateWebhook(db, write))) throw notFound();
        const beginsAnew = isActive === true || write.url !== former.url;
        if (beginsAnew) await noteHealthy(db, write.organizationId, write.webhookId);
      },
      () => describeChange('changed', former, write),
    ),
  );
  return find(context, id);
}

/**
 * Deletes a webhook that the API made, for an admin. What is on its way to it is not delivered.
 *
 * @throws {ProxyError} `role_required`, `webhook_not_found`, `owned_by_resource`, `store_unavailable`
 */
export async function retireWebhook(context: Context, caller: Caller, id: string): Promise<Retired> {
  admitRole(caller, 'admin');
  const { webhookId } = requireOwn(await find(context, id));
  const isDeleted = await recorded(
    context,
    caller,
    (db) => deleteWebhook(db, organizationOf(context), webhookId),
    (done) => (done ? { action: 'deleted', subject: `Webhook/${webhookId}`, changes: [] } : undefined),
  );
  if (!isDeleted) throw notFound();
  return { id: webhookId, outcome: 'deleted' };
}

/**
 * Replaces the secret of a webhook that the API made, for an admin. The former one signs beside it for `overlapMs`.
 *
 * @throws {ProxyError} as `retireWebhook`
 */
export async function rotateWebhook(
  context: Context,
  caller: Caller,
  id: string,
  { secret = makeWebhookSecret(), overlapMs }: { readonly secret?: string | undefined; readonly overlapMs: number },
): Promise<MadeWebhook> {
  admitRole(caller, 'admin');
  const former = requireOwn(await find(context, id));
  const { organizationId, webhookId } = writeOf(context, former, {});
  const nowMs = Date.now();
  const secrets = openWebhookSecrets(context.inForce().envelope, { organizationId, webhookId }, former.secretsSealed);
  const next = replaceWebhookSecret(secrets, secret, { nowMs, untilMs: nowMs + overlapMs });
  const write = writeOf(context, former, { secretsSealed: seal(context, webhookId, next) });
  await recorded(
    context,
    caller,
    async (db) => {
      if (!(await updateWebhook(db, write))) throw notFound();
    },
    // Nothing of a secret is recorded, not even its digest: somebody may have chosen it.
    () => ({
      action: 'changed',
      subject: `Webhook/${webhookId}`,
      changes: [{ field: 'webhook.secret', after: 'another one' }],
    }),
  );
  return { webhook: await find(context, id), secret };
}

/**
 * Sends a webhook a test, for an admin.
 *
 * @returns the id of the delivery, which a worker makes soon
 * @throws {ProxyError} `role_required`, `webhook_not_found`, `store_unavailable`
 */
export async function sendWebhookTest(context: Context, caller: Caller, id: string): Promise<string> {
  admitRole(caller, 'admin');
  const { webhookId } = await find(context, id);
  const deliveryId = await context.store.run((db) => testWebhook(db, webhookId));
  if (deliveryId === undefined) throw notFound();
  return deliveryId;
}

/** Lists what was sent to a webhook, the latest first, for an admin. @throws {ProxyError} as `getWebhook` */
export async function listWebhookDeliveries(
  context: Context,
  caller: Caller,
  id: string,
  filter: Page & { readonly state: DeliveryState | undefined },
): Promise<Listed<DeliveryRow>> {
  admitRole(caller, 'admin');
  const { webhookId } = await find(context, id);
  const { deliveries, total } = await context.store.run((db) =>
    listDeliveries(db, organizationOf(context), webhookId, filter),
  );
  return { items: deliveries, total };
}

function describeChange(
  action: 'created' | 'changed',
  before: Pick<WebhookRow, 'name' | 'url' | 'events' | 'isActive'> | undefined,
  after: WebhookWrite,
): RecordedChange | undefined {
  const fieldsOf = ({ name, url, events, isActive }: Pick<WebhookRow, 'name' | 'url' | 'events' | 'isActive'>) => ({
    ...{ name, url, events, is_active: isActive },
  });
  const changes = diffFields('webhook', before && fieldsOf(before), fieldsOf(after));
  return changes.length === 0 ? undefined : { action, subject: `Webhook/${after.webhookId}`, changes };
}

function organizationOf({ inForce }: Pick<Context, 'inForce'>): string {
  return inForce().snapshot.organizationId;
}

function writeOf(context: Context, row: WebhookRow, changes: Partial<WebhookWrite>): WebhookWrite {
  const { webhookId, name, url, events, secretsSealed, isActive } = row;
  return { organizationId: organizationOf(context), webhookId, name, url, events, secretsSealed, isActive, ...changes };
}

function seal({ inForce }: Context, webhookId: string, secrets: Parameters<typeof sealWebhookSecrets>[2]): Buffer {
  const { snapshot, envelope } = inForce();
  return sealWebhookSecrets(envelope, { organizationId: snapshot.organizationId, webhookId }, secrets);
}

async function find(context: Context, id: string): Promise<WebhookRow> {
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)) throw notFound();
  const row = await context.store.run((db) => readWebhook(db, organizationOf(context), id.toLowerCase()));
  if (!row) throw notFound();
  return row;
}

function notFound(): ProxyError {
  return new ProxyError('webhook_not_found', { param: 'id' });
}

/** @throws {ProxyError} `owned_by_resource` */
function requireOwn(row: WebhookRow): WebhookRow {
  if (row.resource === null) return row;
  const message = `The webhook is owned by the Kubernetes resource Organization ${row.resource}; change it there`;
  throw new ProxyError('owned_by_resource', { param: 'id', message });
}

function sorted(events: readonly string[] | null): readonly string[] | null {
  return events && [...new Set(events)].sort();
}

/** @throws {ProxyError} `invalid_request` */
function checkUrl(text: string): string {
  const url = URL.parse(text);
  const isUsable = url && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
  if (isUsable && !text.includes('#') && toStorable(text) === text) return text;
  const message = 'url must be a URL of https (or http) without a user, a password and a fragment';
  throw new ProxyError('invalid_request', { param: 'url', message });
}
