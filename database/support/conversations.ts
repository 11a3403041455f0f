import type { Queryable } from '../queryable.ts';

export const supportStatuses = ['active', 'escalated', 'resolved'] as const;
export type SupportStatus = (typeof supportStatuses)[number];

/** Why a conversation was handed over: what the machine decides, and `manual`, by staff. */
export const escalationReasons = [
  'low_confidence',
  'customer_request',
  'negative_sentiment',
  'turn_limit',
  'topic',
  'manual',
] as const;
export type EscalationReason = (typeof escalationReasons)[number];

/** A conversation of a customer with the support desk. */
export interface SupportConversationRow {
  readonly conversationId: string;
  readonly userId: string;
  /** The customer's external id. */
  readonly user: string;
  readonly channel: string;
  readonly status: SupportStatus;
  readonly reason: EscalationReason | null;
  readonly assignedAgent: string | null;
  /** The customer's, as ISO 639-1. Null: not known. */
  readonly language: string | null;
  /** JSON, sealed for `support_conversations.metadata`; the row id is the conversation's. */
  readonly metadataSealed: Uint8Array | null;
  readonly messages: number;
  /** Answers of the machine since it was last given the conversation. */
  readonly turns: number;
  /** US dollars as a decimal string. */
  readonly costUsd: string;
  readonly rating: number | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly escalatedAt: Date | null;
  readonly resolvedAt: Date | null;
  /** Since when the customer has been so unhappy that people were alerted. Null: the customer is not. */
  readonly alertedAt: Date | null;
}

const columns = `c.conversation_id as "conversationId", c.user_id as "userId", u.external_id as user, c.channel, c.status,
  c.reason, c.assigned_agent as "assignedAgent", c.language, c.metadata_encrypted as "metadataSealed", c.messages, c.turns,
  trim_scale(c.cost_usd)::text as "costUsd", c.rating, c.created_at as "createdAt", c.updated_at as "updatedAt",
  c.escalated_at as "escalatedAt", c.resolved_at as "resolvedAt",
  c.alerted_at as "alertedAt"`;

const withUser = `chaperone.support_conversations c
  join chaperone.users u on u.organization_id = c.organization_id and u.user_id = c.user_id`;

/** Finds a conversation. @param locked others wait with their changes until the transaction ends */
export async function findSupportConversation(
  db: Queryable,
  organizationId: string,
  conversationId: string,
  locked = false,
): Promise<SupportConversationRow | undefined> {
  const { rows } = await db.query<SupportConversationRow>({
    name: locked ? 'lock-support-conversation' : 'find-support-conversation',
    text: `select ${columns} from ${withUser}
     where c.organization_id = $1::uuid and c.conversation_id = $2::text${locked ? ' for update of c' : ''}`,
    values: [organizationId, conversationId],
  });
  return rows[0];
}

/** Which conversations are asked for. Null: all. */
export interface SupportFilter {
  readonly status: SupportStatus | null;
  readonly channel: string | null;
  readonly userId: string | null;
  readonly assignedAgent: string | null;
  readonly reason: EscalationReason | null;
}

const isSelected = `c.organization_id = $1::uuid and ($2::text is null or c.status = $2::text)
  and ($3::text is null or c.channel = $3::text) and ($4::uuid is null or c.user_id = $4::uuid)
  and ($5::text is null or c.assigned_agent = $5::text) and ($6::text is null or c.reason = $6::text)`;

/** Lists a page of conversations, those that changed last first, with the total count. */
export async function listSupportConversations(
  db: Queryable,
  organizationId: string,
  { status, channel, userId, assignedAgent, reason }: SupportFilter,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<{ conversations: SupportConversationRow[]; total: number }> {
  const values = [organizationId, status, channel, userId, assignedAgent, reason];
  const { rows: conversations } = await db.query<SupportConversationRow>(
    `select ${columns} from ${withUser}
     where ${isSelected}
     order by c.updated_at desc, c.conversation_id
     limit $7::integer offset $8::integer`,
    [...values, limit, offset],
  );
  const { rows } = await db.query<{ total: number }>(
    `select count(*)::integer as total from chaperone.support_conversations c where ${isSelected}`,
    values,
  );
  return { conversations, total: rows[0]?.total ?? 0 };
}

/** What a change leaves as it is, is absent. */
export interface SupportChange {
  readonly status?: SupportStatus;
  readonly reason?: EscalationReason;
  /** Null: nobody. */
  readonly assignedAgent?: string | null;
  /** Messages that were added. */
  readonly messages?: number;
  readonly turns?: number;
  /** An answer of the machine, and how long the customer waited for it. */
  readonly answeredAfterMs?: number;
  /** What it cost, in US dollars. */
  readonly costUsd?: string;
  readonly language?: string;
}

/** Notes that people are alerted to a customer, or that the customer has recovered. The conversation is locked. */
export async function noteSupportAlert(
  db: Queryable,
  organizationId: string,
  conversationId: string,
  isAlarming: boolean,
): Promise<void> {
  await db.query(
    `update chaperone.support_conversations
     set alerted_at = case when $3::boolean then clock_timestamp() end
     where organization_id = $1::uuid and conversation_id = $2::text`,
    [organizationId, conversationId, isAlarming],
  );
}

/** Changes a conversation that is locked. */
export async function changeSupportConversation(
  db: Queryable,
  organizationId: string,
  conversationId: string,
  change: SupportChange,
): Promise<void> {
  const { status, reason, assignedAgent, messages, turns, answeredAfterMs, costUsd, language } = change;
  await db.query(
    `update chaperone.support_conversations
     set status = coalesce($3::text, status), reason = coalesce($4::text, reason),
       assigned_agent = case when $5::boolean then $6::text else assigned_agent end,
       messages = messages + $7::integer, turns = coalesce($8::integer, turns),
       answers = answers + ($9::bigint is not null)::integer, response_ms = response_ms + coalesce($9::bigint, 0),
       cost_usd = cost_usd + coalesce($10::numeric, 0), language = coalesce($11::text, language), updated_at = clock_timestamp(),
       escalated_at = case when $3::text = 'escalated' then coalesce(escalated_at, clock_timestamp()) else escalated_at end,
       resolved_at = case when $3::text is null then resolved_at when $3::text = 'resolved' then clock_timestamp() end
     where organization_id = $1::uuid and conversation_id = $2::text`,
    [
      ...[organizationId, conversationId, status ?? null, reason ?? null],
      ...[assignedAgent !== undefined, assignedAgent ?? null, messages ?? 0, turns ?? null],
      ...[answeredAfterMs ?? null, costUsd ?? null, language ?? null],
    ],
  );
}

/** Stores what the customer thinks of a conversation, in place of what was said before. */
export async function rateSupportConversation(
  db: Queryable,
  organizationId: string,
  conversationId: string,
  { rating, commentSealed }: { readonly rating: number; readonly commentSealed: Uint8Array | null },
): Promise<Date> {
  const { rows } = await db.query<{ ratedAt: Date }>(
    `update chaperone.support_conversations
     set rating = $3::smallint, comment_encrypted = $4::bytea, rated_at = clock_timestamp()
     where organization_id = $1::uuid and conversation_id = $2::text
     returning rated_at as "ratedAt"`,
    [organizationId, conversationId, rating, commentSealed],
  );
  const [row] = rows;
  if (!row) throw new Error('there is no such conversation');
  return row.ratedAt;
}

/** Counts an assignment. @returns how many there were before */
export async function countAssignment(db: Queryable, organizationId: string): Promise<number> {
  const { rows } = await db.query<{ before: string }>(
    `insert into chaperone.support_rotas as r (organization_id, assigned) values ($1::uuid, 1)
     on conflict (organization_id) do update set assigned = r.assigned + 1
     returning assigned - 1 as before`,
    [organizationId],
  );
  return Number(rows[0]?.before ?? 0);
}
