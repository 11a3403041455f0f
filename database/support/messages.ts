import { statementName } from '../client.ts';
import type { Queryable } from '../queryable.ts';

export type SupportSender = 'user' | 'ai' | 'agent';

/**
 * What became of a message. `pending`: the machine is at it. `interrupted`: its process died. `failed`: there is no
 * answer, and `errorCode` says why. `withheld`: somebody took the conversation over first.
 */
export type MessageStatus = 'pending' | 'completed' | 'failed' | 'withheld' | 'interrupted';

/** A message of a conversation with the support desk. */
export interface SupportMessageRow {
  /** From 1, in the order of the conversation. */
  readonly number: number;
  readonly messageId: string;
  readonly sender: SupportSender;
  readonly status: MessageStatus;
  /** Sealed for `support_messages.contents`; the row id is `conversation/number`. */
  readonly sealed: Uint8Array | null;
  readonly confidence: number | null;
  /** Ids of articles. */
  readonly sources: readonly string[];
  readonly errorCode: string | null;
  readonly createdAt: Date;
  readonly completedAt: Date | null;
}

/** How long a process has an answer to make, unless it says again that it is at it. */
export const holdMs = 30_000;

/** Adds a message that is complete. */
export async function insertSupportMessage(
  db: Queryable,
  organizationId: string,
  conversationId: string,
  row: Pick<SupportMessageRow, 'number' | 'messageId' | 'sender'> & { readonly sealed: Uint8Array },
): Promise<Date> {
  const { rows } = await db.query<{ createdAt: Date }>(
    `insert into chaperone.support_messages
       (organization_id, conversation_id, number, message_id, sender, status, contents_encrypted, completed_at)
     values ($1::uuid, $2::text, $3::integer, $4::text, $5::text, 'completed', $6::bytea, clock_timestamp())
     returning created_at as "createdAt"`,
    [organizationId, conversationId, row.number, row.messageId, row.sender, row.sealed],
  );
  return rows[0]?.createdAt ?? new Date();
}

/** An answer that a process makes. */
export interface HeldAnswer {
  readonly conversationId: string;
  readonly number: number;
}

/** Says that the process is still at these answers. */
export async function holdAnswers(db: Queryable, organizationId: string, held: readonly HeldAnswer[]): Promise<void> {
  await db.query(
    `update chaperone.support_messages m
     set held_until = clock_timestamp() + $4::integer * interval '1 ms'
     from unnest($2::text[], $3::integer[]) h (conversation_id, number)
     where m.organization_id = $1::uuid and m.conversation_id = h.conversation_id and m.number = h.number
       and m.status = 'pending'`,
    [organizationId, held.map(({ conversationId }) => conversationId), held.map(({ number }) => number), holdMs],
  );
}

/** How an answer ended. */
export interface AnswerEnd {
  readonly status: Exclude<MessageStatus, 'pending' | 'interrupted'>;
  readonly sealed?: Uint8Array;
  readonly confidence?: number;
  readonly sources?: readonly string[];
  readonly errorCode?: string;
}

/** Ends an answer. @returns how long the message that it answers has waited; undefined: there is no such answer */
export async function endAnswer(
  db: Queryable,
  organizationId: string,
  { conversationId, number }: HeldAnswer,
  { status, sealed, confidence, sources, errorCode }: AnswerEnd,
): Promise<{ readonly waitedMs: number; readonly completedAt: Date } | undefined> {
  const { rows } = await db.query<{ waitedMs: number; completedAt: Date }>(
    `update chaperone.support_messages
     set status = $4::text, contents_encrypted = $5::bytea, confidence = $6::float8, sources = $7::text[],
       error_code = left($8::text, 64), held_until = null, completed_at = clock_timestamp()
     where organization_id = $1::uuid and conversation_id = $2::text and number = $3::integer and status = 'pending'
     returning (extract(epoch from completed_at - created_at) * 1000)::float8 as "waitedMs", completed_at as "completedAt"`,
    [
      ...[organizationId, conversationId, number, status, sealed ?? null, confidence ?? null, sources ?? []],
      errorCode ?? null,
    ],
  );
  return rows[0];
}

/** Forgets what a customer has said, because a guardrail does not let it pass. */
export async function withholdMessage(
  db: Queryable,
  organizationId: string,
  { conversationId, number }: HeldAnswer,
): Promise<void> {
  await db.query(
    `update chaperone.support_messages set status = 'withheld', contents_encrypted = null
     where organization_id = $1::uuid and conversation_id = $2::text and number = $3::integer`,
    [organizationId, conversationId, number],
  );
}

/** Reads messages, the earliest first. @param last only so many at the end, before `beforeNumber` */
export async function readSupportMessages(
  db: Queryable,
  organizationId: string,
  conversationId: string,
  { beforeNumber = 2 ** 31 - 1, last }: { readonly beforeNumber?: number; readonly last: number },
): Promise<SupportMessageRow[]> {
  const { rows } = await db.query<SupportMessageRow>({
    name: statementName(db, 'read-support-messages'),
    text: `select number, message_id as "messageId", sender,
       case when status = 'pending' and held_until < clock_timestamp() then 'interrupted' else status end as status,
       contents_encrypted as sealed, confidence, sources, error_code as "errorCode",
       created_at as "createdAt", completed_at as "completedAt"
     from chaperone.support_messages
     where organization_id = $1::uuid and conversation_id = $2::text and number < $3::integer
     order by number desc
     limit $4::integer`,
    values: [organizationId, conversationId, beforeNumber, last],
  });
  return rows.reverse();
}
