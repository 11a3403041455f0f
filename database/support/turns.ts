import { statementName } from '../client.ts';
import type { Queryable } from '../queryable.ts';
import { eventValues, type WebhookEvent } from '../webhook-events.ts';
import type { EscalationReason, SupportConversationRow, SupportStatus } from './conversations.ts';
import { holdMs } from './messages.ts';

/** A customer's message, and the answer that a process begins to make. */
export interface SupportTurn {
  /** The number of the message; the answer has the next one. */
  readonly number: number;
  readonly messageId: string;
  /** What the customer says, sealed for `support_messages.contents`. */
  readonly sealed: Uint8Array;
  readonly answerId: string;
  readonly received: WebhookEvent;
}

/** A conversation that begins, with its customer. */
export interface BegunConversation
  extends Pick<SupportConversationRow, 'conversationId' | 'userId' | 'user' | 'channel' | 'metadataSealed'> {
  readonly created: WebhookEvent;
}

/** When something was stored. */
export interface Begun {
  readonly createdAt: Date;
  readonly receivedAt: Date;
}

/** The parts of a statement that store a turn of the row of `conversation`, as `$1` to `$8` have it. */
const storeTurn = `message as (
    insert into chaperone.support_messages
      (organization_id, conversation_id, number, message_id, sender, status, contents_encrypted, completed_at)
    select $1::uuid, $2::text, $3::integer, $4::text, 'user', 'completed', $5::bytea, clock_timestamp() from conversation
    returning created_at
  ), answer as (
    insert into chaperone.support_messages
      (organization_id, conversation_id, number, message_id, sender, status, held_until)
    select $1::uuid, $2::text, $3::integer + 1, $6::text, 'ai', 'pending',
      clock_timestamp() + $7::integer * interval '1 ms'
    from conversation
  )`;

const event = (first: number) =>
  `chaperone.emit_event($${first}::text, $${first + 1}::text, $${first + 2}::uuid, $${first + 3}::jsonb)`;

/**
 * Stores a conversation with its first turn and its customer, and tells the webhooks: all of it, or nothing.
 *
 * @returns undefined where another transaction made the customer at the same moment; nothing is stored then
 */
export async function beginConversation(
  db: Queryable,
  organizationId: string,
  { conversationId, userId, user, channel, metadataSealed, created }: BegunConversation,
  turn: SupportTurn,
): Promise<Begun | undefined> {
  const { rows } = await db.query<Begun>({
    name: statementName(db, 'begin-support-conversation'),
    text: `with known as (
         -- An erasure of the customer waits until the conversation is there, or this waits for the erasure.
         select from chaperone.users where organization_id = $1::uuid and user_id = $8::uuid for key share
       ), made as (
         insert into chaperone.users (organization_id, user_id, external_id)
         select $1::uuid, $8::uuid, $9::text where not exists (select from known)
         on conflict do nothing
         returning user_id
       ), conversation as (
         insert into chaperone.support_conversations
           (organization_id, conversation_id, user_id, channel, status, metadata_encrypted, messages)
         select $1::uuid, $2::text, $8::uuid, $10::text, 'active', $11::bytea, $3::integer + 1
         where exists (select from known) or exists (select from made)
         returning created_at
       ), ${storeTurn}
       select c.created_at as "createdAt", m.created_at as "receivedAt", ${event(12)}, ${event(16)}
       from conversation c, message m`,
    values: [
      ...valuesOf(organizationId, conversationId, turn),
      ...[userId, user, channel, metadataSealed],
      ...[...eventValues(created), ...eventValues(turn.received)],
    ],
  });
  return rows[0];
}

/**
 * Adds a turn to a conversation that is as it was read, and tells the webhooks: all of it, or nothing. A resolved one is
 * active again, with all turns before it.
 *
 * @returns undefined where the conversation has changed since; nothing is stored then
 */
export async function addTurn(
  db: Queryable,
  organizationId: string,
  { conversationId, messages, status }: Pick<SupportConversationRow, 'conversationId' | 'messages' | 'status'>,
  turn: SupportTurn,
): Promise<Pick<Begun, 'receivedAt'> | undefined> {
  const { rows } = await db.query<Pick<Begun, 'receivedAt'>>({
    name: statementName(db, 'add-support-turn'),
    text: `with conversation as (
         update chaperone.support_conversations
         set messages = $3::integer + 1, status = 'active', updated_at = clock_timestamp(),
           turns = case when status = 'resolved' then 0 else turns end, resolved_at = null,
           alerted_at = case when status <> 'resolved' then alerted_at end
         where organization_id = $1::uuid and conversation_id = $2::text and messages = $8::integer and status = $9::text
         returning conversation_id
       ), ${storeTurn}
       select m.created_at as "receivedAt", ${event(10)} from message m`,
    values: [...valuesOf(organizationId, conversationId, turn), messages, status, ...eventValues(turn.received)],
  });
  return rows[0];
}

function valuesOf(organizationId: string, conversationId: string, turn: SupportTurn) {
  return [organizationId, conversationId, turn.number, turn.messageId, turn.sealed, turn.answerId, holdMs];
}

/** An answer of the machine that the customer gets. */
export interface GivenAnswer {
  readonly number: number;
  /** Sealed for `support_messages.contents`. */
  readonly sealed: Uint8Array;
  readonly confidence: number;
  readonly sources: readonly string[];
  /** US dollars; null: unpriced. */
  readonly costUsd: string | null;
  readonly language: string | undefined;
}

/** What the conversation is when an answer was given. */
export interface AnsweredConversation {
  readonly status: SupportStatus;
  readonly reason: EscalationReason | null;
  readonly assignedAgent: string | null;
  readonly completedAt: Date;
}

/**
 * Stores an answer that hands nothing over, and counts it: all of it, or nothing.
 *
 * @returns undefined where a human has the conversation by now, or the answer is pending no more; nothing is stored then
 */
export async function giveAnswer(
  db: Queryable,
  organizationId: string,
  conversationId: string,
  { number, sealed, confidence, sources, costUsd, language }: GivenAnswer,
): Promise<AnsweredConversation | undefined> {
  const { rows } = await db.query<AnsweredConversation>({
    name: statementName(db, 'give-support-answer'),
    text: `with pending as materialized (
         select clock_timestamp() as at, created_at
         from chaperone.support_messages
         where organization_id = $1::uuid and conversation_id = $2::text and number = $3::integer and status = 'pending'
       ), conversation as (
         update chaperone.support_conversations c
         set turns = c.turns + 1, answers = c.answers + 1, updated_at = p.at,
           response_ms = c.response_ms + round(extract(epoch from p.at - p.created_at) * 1000)::bigint,
           cost_usd = c.cost_usd + coalesce($7::numeric, 0), language = coalesce($8::text, c.language)
         from pending p
         where c.organization_id = $1::uuid and c.conversation_id = $2::text and c.status = 'active'
         returning c.status, c.reason, c.assigned_agent, p.at
       )
       update chaperone.support_messages m
       set status = 'completed', contents_encrypted = $4::bytea, confidence = $5::float8, sources = $6::text[],
         held_until = null, completed_at = c.at
       from conversation c
       where m.organization_id = $1::uuid and m.conversation_id = $2::text and m.number = $3::integer
         and m.status = 'pending'
       returning c.status, c.reason, c.assigned_agent as "assignedAgent", m.completed_at as "completedAt"`,
    values: [organizationId, conversationId, number, sealed, confidence, sources, costUsd, language ?? null],
  });
  return rows[0];
}
