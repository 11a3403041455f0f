import { randomHex } from '../../../database/ids.ts';
import type { Queryable } from '../../../database/queryable.ts';
import {
  changeSupportConversation,
  findSupportConversation,
  type SupportConversationRow,
} from '../../../database/support/conversations.ts';
import { insertSupportMessage } from '../../../database/support/messages.ts';
import { addTurn, beginConversation, type SupportTurn } from '../../../database/support/turns.ts';
import { inTransaction } from '../../../database/transaction.ts';
import { emitEvent, type WebhookEvent } from '../../../database/webhook-events.ts';
import type { Caller } from '../../calls/call.ts';
import { ProxyError } from '../../error.ts';
import type { GovernanceInForce } from '../context.ts';
import { admitRole } from '../roles.ts';
import { maySpeakFor } from './customer.ts';
import { escalate } from './escalate.ts';
import { sealSaid } from './sealing.ts';
import type { SupportSettings } from './settings.ts';

/** A message to the support desk. */
export interface SupportMessage {
  readonly message: string;
  /** The customer's external id. */
  readonly user: string;
  readonly channel: string;
  /** What the client says of the customer. It is kept when the conversation begins. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Undefined: a new one begins. */
  readonly conversationId?: string | undefined;
  /** Whose words it has: the customer's, or those of an agent, to whom no machine answers. */
  readonly sender: 'user' | 'agent';
}

/** A message that is stored. */
export interface BegunTurn {
  readonly conversation: SupportConversationRow;
  readonly messageId: string;
  readonly number: number;
  readonly receivedAt: Date;
  /** Whether the message has handed the conversation over. */
  readonly isHandedOver: boolean;
  /** The answer that the machine is to make. Undefined: it makes none. */
  readonly answer: { readonly number: number; readonly messageId: string } | undefined;
}

export interface TurnOptions {
  readonly inForce: GovernanceInForce;
  readonly settings: SupportSettings;
  /** Who makes the request. */
  readonly caller: Caller;
  readonly customer: Caller & { readonly user: string };
}

/**
 * Stores a message with what follows from it, all at once: a new conversation, the beginning of an answer, or a hand-over
 * after too many answers.
 *
 * @throws {ProxyError} `conversation_not_found`, `user_mismatch`, `role_required` for an agent's words
 */
export async function beginTurn(db: Queryable, asked: SupportMessage, options: TurnOptions): Promise<BegunTurn> {
  if (asked.sender === 'agent') admitRole(options.caller, 'reviewer');
  const { conversationId } = asked;
  if (conversationId === undefined) return begin(db, asked, options);
  // Another message may come in between. Then the conversation is not as it was read, and is read again.
  for (;;) {
    const conversation = await findToContinue(db, conversationId, asked, options);
    const begun = isForMachine(conversation, asked, options)
      ? await addQuestion(db, conversation, asked, options)
      : await inTransaction(db, () => addWithoutAnswer(db, conversationId, asked, options));
    if (begun) return begun;
  }
}

/** Whether the machine is to answer: the customer speaks, and the conversation is neither handed over nor too long. */
function isForMachine(
  { status, turns }: SupportConversationRow,
  { sender }: SupportMessage,
  { settings }: TurnOptions,
): boolean {
  // Whoever writes to a conversation that was resolved begins it anew.
  return sender === 'user' && (status === 'resolved' || (status === 'active' && turns < settings.maxTurns));
}

/** Another proxy may make the customer at the same moment. Then the customer is there at the next attempt. */
const mostAttempts = 3;

async function begin(
  db: Queryable,
  { message, channel, metadata, sender }: SupportMessage,
  { inForce, customer }: TurnOptions,
): Promise<BegunTurn> {
  if (sender === 'agent') {
    const text = 'An agent’s message needs conversation_id: customers begin conversations';
    throw new ProxyError('invalid_request', { param: 'conversation_id', message: text });
  }
  const { snapshot, envelope } = inForce;
  const { organizationId } = snapshot;
  const { userId, user } = customer;
  const conversationId = `conv_${randomHex(12)}`;
  const metadataSealed =
    Object.keys(metadata).length === 0
      ? null
      : sealSaid(envelope, organizationId, 'support_conversations.metadata', conversationId, metadata);
  const row = { conversationId, userId, user, channel, metadataSealed };
  const turn = makeTurn(inForce, row, 0, message);
  const data = { conversation_id: conversationId, channel };
  const created = { type: 'conversation.created', subject: subjectOf(row), userId, data } as const;
  for (let attempt = 1; attempt <= mostAttempts; attempt += 1) {
    const begun = await beginConversation(db, organizationId, { ...row, created }, turn);
    if (begun) return toBegun({ ...justBegun, ...row, ...begun, updatedAt: begun.createdAt }, turn, begun.receivedAt);
  }
  // The customer is being erased.
  throw new ProxyError('user_inactive', { param: 'user_id' });
}

/** What a conversation is before its first message. */
const justBegun = {
  ...{ status: 'active', reason: null, assignedAgent: null, language: null, messages: 0, turns: 0, costUsd: '0' },
  ...{ rating: null, escalatedAt: null, resolvedAt: null, alertedAt: null },
} as const satisfies Partial<SupportConversationRow>;

/** @returns undefined where the conversation has changed since it was read */
async function addQuestion(
  db: Queryable,
  conversation: SupportConversationRow,
  { message }: SupportMessage,
  { inForce }: TurnOptions,
): Promise<BegunTurn | undefined> {
  const turn = makeTurn(inForce, conversation, conversation.messages, message);
  const begun = await addTurn(db, inForce.snapshot.organizationId, conversation, turn);
  // What made the customer unhappy before was resolved.
  const alertedAt = conversation.status === 'resolved' ? null : conversation.alertedAt;
  return begun && toBegun({ ...conversation, status: 'active', alertedAt }, turn, begun.receivedAt);
}

function makeTurn(
  { snapshot, envelope }: GovernanceInForce,
  conversation: Conversation,
  messages: number,
  message: string,
): SupportTurn {
  const number = messages + 1;
  const messageId = `msg_${randomHex(12)}`;
  const rowId = `${conversation.conversationId}/${number}`;
  return {
    ...{ number, messageId, answerId: `msg_${randomHex(12)}`, received: receivedEvent(conversation, messageId) },
    sealed: sealSaid(envelope, snapshot.organizationId, 'support_messages.contents', rowId, { content: message }),
  };
}

function toBegun(conversation: SupportConversationRow, turn: SupportTurn, receivedAt: Date): BegunTurn {
  const { number, messageId, answerId } = turn;
  const answer = { number: number + 1, messageId: answerId };
  return { ...{ conversation, messageId, number, receivedAt, answer }, isHandedOver: false };
}

/**
 * Adds a message that no machine answers: an agent's, one to a conversation that a human has, or one that hands it over.
 *
 * @returns undefined where the machine is to answer by now
 */
async function addWithoutAnswer(
  db: Queryable,
  conversationId: string,
  asked: SupportMessage,
  options: TurnOptions,
): Promise<BegunTurn | undefined> {
  const { inForce, settings } = options;
  const { snapshot, envelope } = inForce;
  const { organizationId } = snapshot;
  const { sender, message } = asked;
  const conversation = await findToContinue(db, conversationId, asked, options, true);
  if (isForMachine(conversation, asked, options)) return undefined;
  const number = conversation.messages + 1;
  const messageId = `msg_${randomHex(12)}`;
  const rowId = `${conversationId}/${number}`;
  const sealed = sealSaid(envelope, organizationId, 'support_messages.contents', rowId, { content: message });
  const row = { number, messageId, sender, sealed };
  const receivedAt = await insertSupportMessage(db, organizationId, conversationId, row);
  if (sender === 'user') await emitEvent(db, receivedEvent(conversation, messageId));
  const isHandedOver = sender === 'user' && conversation.status === 'active';
  const change = isHandedOver ? await escalate(db, organizationId, conversation, 'turn_limit', settings.agents) : {};
  await changeSupportConversation(db, organizationId, conversationId, { ...change, messages: 1 });
  return {
    ...{ messageId, number, receivedAt, isHandedOver, answer: undefined },
    conversation: { ...conversation, ...change },
  };
}

type Conversation = Pick<SupportConversationRow, 'conversationId' | 'channel' | 'userId'>;

function subjectOf({ conversationId }: Pick<Conversation, 'conversationId'>): string {
  return `conversation/${conversationId}`;
}

function receivedEvent(conversation: Conversation, messageId: string): WebhookEvent {
  const { conversationId, channel, userId } = conversation;
  const data = { conversation_id: conversationId, channel, message_id: messageId };
  return { type: 'message.received', subject: subjectOf(conversation), userId, data };
}

/** @throws {ProxyError} `conversation_not_found`, `user_mismatch` */
async function findToContinue(
  db: Queryable,
  conversationId: string,
  { user }: SupportMessage,
  { inForce, caller, customer }: TurnOptions,
  locked = false,
): Promise<SupportConversationRow> {
  const found = await requireSupportConversation(db, inForce, caller, conversationId, locked);
  if (found.user === customer.user) return found;
  const message = `The conversation is not one of ${JSON.stringify(user.slice(0, 100))}`;
  throw new ProxyError('user_mismatch', { param: 'user_id', message });
}

/**
 * Finds a conversation of a customer for whom the caller may speak. Any other does not exist.
 *
 * @param locked until the end of the transaction
 * @throws {ProxyError} `conversation_not_found`
 */
export async function requireSupportConversation(
  db: Queryable,
  { snapshot }: Pick<GovernanceInForce, 'snapshot'>,
  caller: Caller,
  id: string,
  locked = false,
): Promise<SupportConversationRow> {
  // Ids of other forms are those of no conversation; PostgreSQL need not see them.
  const isId = /^conv_[0-9a-f]{24}$/.test(id);
  const found = isId ? await findSupportConversation(db, snapshot.organizationId, id, locked) : undefined;
  if (found && maySpeakFor(snapshot, caller, found.user)) return found;
  throw supportConversationNotFound();
}

export function supportConversationNotFound(): ProxyError {
  const message = 'Conversation not found: no conversation with the support desk that you may read has this id';
  return new ProxyError('conversation_not_found', { param: 'conversation_id', message });
}
