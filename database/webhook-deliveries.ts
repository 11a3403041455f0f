import type { Queryable } from './queryable.ts';

export type DeliveryState = 'waiting' | 'delivered' | 'dead';

/** An event on its way to a webhook, or how that went. */
export interface DeliveryRow {
  readonly deliveryId: string;
  readonly eventId: string;
  readonly event: string;
  readonly subject: string;
  readonly state: DeliveryState;
  readonly attempts: number;
  readonly lastAttemptAt: Date | null;
  /** The HTTP status. Null: there was no answer. */
  readonly lastStatus: number | null;
  /** A code and a sentence of ours. */
  readonly lastError: string | null;
  readonly lastDurationMs: number | null;
  readonly createdAt: Date;
  readonly endedAt: Date | null;
}

const columns = `d.delivery_id as "deliveryId", d.event_id as "eventId", e.type as event, d.subject, d.state, d.attempts,
  d.last_attempt_at as "lastAttemptAt", d.last_status as "lastStatus", d.last_error as "lastError",
  d.last_duration_ms as "lastDurationMs", d.created_at as "createdAt", d.ended_at as "endedAt"`;
const withEvent = `join chaperone.webhook_events e
  on e.organization_id = d.organization_id and e.event_id = d.event_id`;

/** Lists the deliveries of a webhook, the latest first. @param state undefined: all of them */
export async function listDeliveries(
  db: Queryable,
  organizationId: string,
  webhookId: string,
  filter: { readonly state: DeliveryState | undefined; readonly limit: number; readonly offset: number },
): Promise<{ readonly deliveries: DeliveryRow[]; readonly total: number }> {
  const { rows } = await db.query<DeliveryRow & { total: number }>(
    `select ${columns}, (count(*) over ())::integer as total
     from chaperone.webhook_deliveries d ${withEvent}
     where d.organization_id = $1::uuid and d.webhook_id = $2::uuid and ($3::text is null or d.state = $3::text)
     order by d.sequence desc
     limit $4::integer offset $5::integer`,
    [organizationId, webhookId, filter.state ?? null, filter.limit, filter.offset],
  );
  return { deliveries: rows, total: rows[0]?.total ?? 0 };
}

export async function readDelivery(
  db: Queryable,
  organizationId: string,
  deliveryId: string,
): Promise<DeliveryRow | undefined> {
  const { rows } = await db.query<DeliveryRow>(
    `select ${columns}
     from chaperone.webhook_deliveries d ${withEvent}
     where d.organization_id = $1::uuid and d.delivery_id = $2::uuid`,
    [organizationId, deliveryId],
  );
  return rows[0];
}

/** Sends a webhook a test. @returns the delivery's id; undefined where there is no such webhook */
export async function testWebhook(db: Queryable, webhookId: string): Promise<string | undefined> {
  const { rows } = await db.query<{ id: string | null }>('select chaperone.test_webhook($1::uuid) as id', [webhookId]);
  return rows[0]?.id ?? undefined;
}

/** The same for any organization. @param db the owner's connection */
export async function testWebhookOf(
  db: Queryable,
  organizationId: string,
  webhookId: string,
): Promise<string | undefined> {
  const text = 'select chaperone.test_webhook_of($1::uuid, $2::uuid) as id';
  const { rows } = await db.query<{ id: string | null }>(text, [organizationId, webhookId]);
  return rows[0]?.id ?? undefined;
}

/** What an attempt needs to know. */
export interface DueDelivery {
  readonly webhookId: string;
  readonly subject: string;
  readonly state: DeliveryState;
  readonly url: string;
  /** As in webhook-secrets.ts. */
  readonly secretsSealed: Uint8Array;
  /** Whether the webhook is there and its owner wants deliveries. */
  readonly isActive: boolean;
  readonly isDisabled: boolean;
  /** The networks beside the public ones that the organization allows. */
  readonly networks: readonly string[];
  readonly eventId: string;
  readonly event: string;
  readonly occurredAt: Date;
  readonly data: Readonly<Record<string, unknown>>;
  readonly hasUser: boolean;
  /** The user's external id. */
  readonly user: string | null;
}

/** Reads a delivery for an attempt. Undefined: it is gone, as after the erasure of its user. */
export async function findDueDelivery(
  db: Queryable,
  organizationId: string,
  deliveryId: string,
): Promise<DueDelivery | undefined> {
  const { rows } = await db.query<DueDelivery>(
    `select d.webhook_id as "webhookId", d.subject, d.state, w.url, w.secrets_encrypted as "secretsSealed",
       w.is_active and w.deleted_at is null as "isActive", s.disabled_at is not null as "isDisabled",
       coalesce(o.spec -> 'webhookNetworks', '[]') as networks, e.event_id as "eventId", e.type as event,
       e.occurred_at as "occurredAt", e.data, e.user_id is not null as "hasUser", u.external_id as "user"
     from chaperone.webhook_deliveries d ${withEvent}
       join chaperone.webhooks w on w.organization_id = d.organization_id and w.webhook_id = d.webhook_id
       join chaperone.organizations o on o.organization_id = d.organization_id
       left join chaperone.webhook_states s
         on s.organization_id = d.organization_id and s.webhook_id = d.webhook_id
       left join chaperone.users u on u.organization_id = e.organization_id and u.user_id = e.user_id
     where d.organization_id = $1::uuid and d.delivery_id = $2::uuid`,
    [organizationId, deliveryId],
  );
  return rows[0];
}

/** How an attempt went. */
export interface AttemptNote {
  readonly status: number | null;
  /** Null: it was delivered. */
  readonly error: string | null;
  readonly durationMs: number;
}

/** Notes an attempt. One that succeeded ends the delivery. */
export async function noteAttempt(
  db: Queryable,
  organizationId: string,
  deliveryId: string,
  { status, error, durationMs }: AttemptNote,
): Promise<void> {
  await db.query(
    `update chaperone.webhook_deliveries
     set attempts = attempts + 1, last_attempt_at = now(), last_status = $3::integer, last_error = $4::text,
         last_duration_ms = $5::float8, state = case when $4::text is null then 'delivered' else state end,
         ended_at = case when $4::text is null then now() else ended_at end
     where organization_id = $1::uuid and delivery_id = $2::uuid`,
    [organizationId, deliveryId, status, error, durationMs],
  );
}

/**
 * Ends a delivery that has no attempt left.
 *
 * @param error why, where no attempt was made
 * @returns whether it had not ended
 */
export async function noteDead(
  db: Queryable,
  organizationId: string,
  deliveryId: string,
  error: string | null,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update chaperone.webhook_deliveries
     set state = 'dead', ended_at = now(), last_error = coalesce($3::text, last_error)
     where organization_id = $1::uuid and delivery_id = $2::uuid and state = 'waiting'`,
    [organizationId, deliveryId, error],
  );
  return rowCount === 1;
}

/** Waits until nobody else emits an event about a subject, or ends a delivery about it. Call it in a transaction. */
export async function lockSubject(db: Queryable, organizationId: string, subject: string): Promise<void> {
  await db.query('select chaperone.lock_subject($1::uuid, $2::text)', [organizationId, subject]);
}

/** Finds the next delivery to a webhook about a subject. */
export async function findNextDelivery(
  db: Queryable,
  organizationId: string,
  { webhookId, subject }: Pick<DueDelivery, 'webhookId' | 'subject'>,
): Promise<string | undefined> {
  const { rows } = await db.query<{ id: string }>(
    `select delivery_id as id
     from chaperone.webhook_deliveries
     where organization_id = $1::uuid and webhook_id = $2::uuid and subject = $3::text and state = 'waiting'
     order by sequence
     limit 1`,
    [organizationId, webhookId, subject],
  );
  return rows[0]?.id;
}

/** Notes that a webhook takes what is sent to it, so it is not disabled, or no longer. */
export async function noteHealthy(db: Queryable, organizationId: string, webhookId: string): Promise<void> {
  await db.query(
    `update chaperone.webhook_states set failing_since = null, disabled_at = null, reason = null
     where organization_id = $1::uuid and webhook_id = $2::uuid
       and (failing_since is not null or disabled_at is not null)`,
    [organizationId, webhookId],
  );
}

/**
 * Notes that an attempt has failed. A webhook of which every attempt has failed for longer than `patienceMs` is disabled.
 *
 * @returns whether this has disabled it
 */
export async function noteFailing(
  db: Queryable,
  organizationId: string,
  webhookId: string,
  { reason, patienceMs }: { readonly reason: string; readonly patienceMs: number },
): Promise<boolean> {
  const { rows } = await db.query<{ isDisabled: boolean }>(
    `insert into chaperone.webhook_states as s (organization_id, webhook_id, failing_since, disabled_at, reason)
     values ($1::uuid, $2::uuid, now(), case when $4::float8 <= 0 then now() end, $3::text)
     on conflict (organization_id, webhook_id) do update
       set failing_since = coalesce(s.failing_since, now()), reason = excluded.reason,
           disabled_at = case
             when coalesce(s.failing_since, now()) <= now() - $4::float8 * interval '1 millisecond' then now()
           end
       where s.disabled_at is null
     returning s.disabled_at is not null as "isDisabled"`,
    [organizationId, webhookId, reason, patienceMs],
  );
  return rows[0]?.isDisabled ?? false;
}
