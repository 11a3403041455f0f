import { toBytea } from './bytea.ts';
import { deletePast } from './past-rows.ts';
import type { Queryable } from './queryable.ts';

/** A webhook with how its deliveries go. */
export interface WebhookRow {
  readonly webhookId: string;
  /** The name of the Organization that states it. Null: the API made it. */
  readonly resource: string | null;
  readonly name: string;
  readonly url: string;
  /** Null: all. */
  readonly events: readonly string[] | null;
  /** As in webhook-secrets.ts. */
  readonly secretsSealed: Uint8Array;
  readonly isActive: boolean;
  /** Since when every attempt has failed. */
  readonly failingSince: Date | null;
  /** Since when nothing is sent to it, because it has failed for too long. */
  readonly disabledAt: Date | null;
  /** A code and a sentence of ours. */
  readonly reason: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

const columns = `w.webhook_id as "webhookId", w.resource, w.name, w.url, w.events, w.secrets_encrypted as "secretsSealed",
  w.is_active as "isActive", s.failing_since as "failingSince", s.disabled_at as "disabledAt", s.reason,
  w.created_at as "createdAt", w.updated_at as "updatedAt"`;
const withState = `left join chaperone.webhook_states s
  on s.organization_id = w.organization_id and s.webhook_id = w.webhook_id`;

/** Lists webhooks by name. */
export async function listWebhooks(
  db: Queryable,
  organizationId: string,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<{ readonly webhooks: WebhookRow[]; readonly total: number }> {
  const { rows } = await db.query<WebhookRow & { total: number }>(
    `select ${columns}, (count(*) over ())::integer as total
     from chaperone.webhooks w ${withState}
     where w.organization_id = $1::uuid and w.deleted_at is null
     order by w.name
     limit $2::integer offset $3::integer`,
    [organizationId, limit, offset],
  );
  return { webhooks: rows, total: rows[0]?.total ?? 0 };
}

/** Lists the webhooks that the Organization has stated. */
export async function listStatedWebhooks(db: Queryable, organizationId: string): Promise<WebhookRow[]> {
  const { rows } = await db.query<WebhookRow>(
    `select ${columns}
     from chaperone.webhooks w ${withState}
     where w.organization_id = $1::uuid and w.deleted_at is null and w.resource is not null`,
    [organizationId],
  );
  return rows;
}

export async function readWebhook(
  db: Queryable,
  organizationId: string,
  webhookId: string,
): Promise<WebhookRow | undefined> {
  const { rows } = await db.query<WebhookRow>(
    `select ${columns}
     from chaperone.webhooks w ${withState}
     where w.organization_id = $1::uuid and w.webhook_id = $2::uuid and w.deleted_at is null`,
    [organizationId, webhookId],
  );
  return rows[0];
}

export interface WebhookWrite {
  readonly organizationId: string;
  readonly webhookId: string;
  readonly name: string;
  readonly url: string;
  readonly events: readonly string[] | null;
  readonly secretsSealed: Uint8Array;
  readonly isActive: boolean;
}

/**
 * Stores a webhook that the API makes.
 *
 * @throws Postgres error 23505 on `webhooks_name` where another one of the organization has the name
 */
export async function insertWebhook(db: Queryable, webhook: WebhookWrite): Promise<void> {
  const { organizationId, webhookId, name, url, events, secretsSealed, isActive } = webhook;
  await db.query(
    `insert into chaperone.webhooks (organization_id, webhook_id, name, url, events, secrets_encrypted, is_active)
     values ($1::uuid, $2::uuid, $3::text, $4::text, $5::text[], $6::bytea, $7::boolean)`,
    [organizationId, webhookId, name, url, events, secretsSealed, isActive],
  );
}

/**
 * Changes a webhook that the API made.
 *
 * @returns whether there is one
 * @throws as `insertWebhook`
 */
export async function updateWebhook(db: Queryable, webhook: WebhookWrite): Promise<boolean> {
  const { organizationId, webhookId, name, url, events, secretsSealed, isActive } = webhook;
  const { rowCount } = await db.query(
    `update chaperone.webhooks
     set name = $3::text, url = $4::text, events = $5::text[], secrets_encrypted = $6::bytea, is_active = $7::boolean,
         updated_at = now()
     where organization_id = $1::uuid and webhook_id = $2::uuid and resource is null and deleted_at is null`,
    [organizationId, webhookId, name, url, events, secretsSealed, isActive],
  );
  return rowCount === 1;
}

/** Deletes a webhook that the API made, and its secrets. @returns whether there was one */
export async function deleteWebhook(db: Queryable, organizationId: string, webhookId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update chaperone.webhooks set deleted_at = now(), secrets_encrypted = ''
     where organization_id = $1::uuid and webhook_id = $2::uuid and resource is null and deleted_at is null`,
    [organizationId, webhookId],
  );
  return rowCount === 1;
}

/**
 * Stores the webhooks that an Organization states, all or none. One whose URL changes begins anew.
 *
 * @param db the owner's connection, as for the functions below
 * @param resource the Organization's name
 * @throws as `insertWebhook`
 */
export async function upsertStatedWebhooks(
  db: Queryable,
  resource: string,
  webhooks: readonly WebhookWrite[],
): Promise<void> {
  const rows = webhooks.map(({ secretsSealed, ...row }) => ({ ...row, secretsSealed: toBytea(secretsSealed) }));
  await db.query(
    `with stated as (
       select * from json_to_recordset($2::json) as row (
         "organizationId" uuid, "webhookId" uuid, name text, url text, events text[], "secretsSealed" bytea,
         "isActive" boolean
       )
     ), moved as (
       delete from chaperone.webhook_states s
       using stated, chaperone.webhooks w
       where w.organization_id = stated."organizationId" and w.webhook_id = stated."webhookId" and w.url <> stated.url
         and s.organization_id = w.organization_id and s.webhook_id = w.webhook_id
     )
     insert into chaperone.webhooks as w
       (organization_id, webhook_id, resource, name, url, events, secrets_encrypted, is_active)
     select "organizationId", "webhookId", $1::text, name, url, events, "secretsSealed", "isActive" from stated
     on conflict (organization_id, webhook_id) do update
       set resource = excluded.resource, name = excluded.name, url = excluded.url, events = excluded.events,
           secrets_encrypted = excluded.secrets_encrypted, is_active = excluded.is_active, deleted_at = null,
           updated_at = now()`,
    [resource, JSON.stringify(rows)],
  );
}

/** Deletes webhooks that an Organization no longer states, and their secrets. */
export async function deleteStatedWebhooks(
  db: Queryable,
  organizationId: string,
  webhookIds: readonly string[],
): Promise<void> {
  await db.query(
    `update chaperone.webhooks set deleted_at = now(), secrets_encrypted = ''
     where organization_id = $1::uuid and webhook_id = any ($2::uuid[]) and resource is not null and deleted_at is null`,
    [organizationId, webhookIds],
  );
}

/** A webhook to which nothing is sent, since it has failed for too long. */
export interface DisabledWebhook {
  readonly organizationId: string;
  readonly name: string;
  readonly disabledAt: Date;
  readonly reason: string | null;
}

/** Lists the disabled webhooks of all organizations. */
export async function listDisabledWebhooks(db: Queryable): Promise<DisabledWebhook[]> {
  const { rows } = await db.query<DisabledWebhook>(
    `select w.organization_id as "organizationId", w.name, s.disabled_at as "disabledAt", s.reason
     from chaperone.webhook_states s
       join chaperone.webhooks w on w.organization_id = s.organization_id and w.webhook_id = s.webhook_id
     where s.disabled_at is not null and w.deleted_at is null
     order by w.organization_id, w.name`,
  );
  return rows;
}

/** A webhook of any organization, for people. */
export interface ListedWebhook extends WebhookRow {
  readonly organizationId: string;
  /** The name of the organization. */
  readonly organization: string;
  readonly waiting: number;
  readonly dead: number;
  readonly lastDeliveredAt: Date | null;
}

/** Lists the webhooks of all organizations, or of the one with this name. */
export async function listAllWebhooks(db: Queryable, organization: string | undefined): Promise<ListedWebhook[]> {
  const { rows } = await db.query<ListedWebhook>(
    `select ${columns}, w.organization_id as "organizationId", o.name as organization,
       coalesce(d.waiting, 0)::integer as waiting, coalesce(d.dead, 0)::integer as dead,
       d.last_delivered_at as "lastDeliveredAt"
     from chaperone.webhooks w ${withState}
       join chaperone.organizations o on o.organization_id = w.organization_id
       left join lateral (
         select count(*) filter (where d.state = 'waiting') as waiting, count(*) filter (where d.state = 'dead') as dead,
           max(d.ended_at) filter (where d.state = 'delivered') as last_delivered_at
         from chaperone.webhook_deliveries d
         where d.organization_id = w.organization_id and d.webhook_id = w.webhook_id
       ) d on true
     where w.deleted_at is null and ($1::text is null or o.name = $1::text)
     order by o.name, w.name`,
    [organization ?? null],
  );
  return rows;
}

/** Deletes what is left of deliveries that ended long ago. */
export async function deletePastDeliveries(db: Queryable): Promise<void> {
  await deletePast(db, 'deliveries');
  await db.query(`select chaperone.prune_webhooks('30 days')`);
}
