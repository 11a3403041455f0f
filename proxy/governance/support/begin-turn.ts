import { randomHex } from '../../../database/ids.ts';
import type { Queryable } from '../../../database/queryable.ts';
import { noteUser } from '../../../database/speech/sessions.ts';
import {
  changeSupportConversation,
  findSupportConversation,
  insertSupportConversation,
  type SupportConversationRow,
} from '../../../database/support/conversations.ts';
import { insertPendingAnswer, insertSupportMessage } from '../../../database/support/messages.ts';
import { emitEvent } from '../../../database/webhook-events.ts';
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
 * Stores a message with what follows from it, in a transaction: a new conversation, the beginning of an answer, or a
 * hand-over after too many answers.
 *
 * @throws {ProxyError} `conversation_not_found`, `user_mismatch`, `role_required` for an agent's words
 */
export async function beginTurn(db: Queryable, asked: SupportMessage, options: TurnOptions): Promise<BegunTurn> {
  const { inForce, settings, customer, caller } = options;
  const { snapshot, envelope } = inForce;
  const { organizationId } = snapshot;
  if (asked.sender === 'agent') admitRole(caller, 'reviewer');
  const conversation = await continueOrBegin(db, asked, options);
  const { conversationId, status, turns, channel } = conversation;
  const number = conversation.messages + 1;
  const messageId = `msg_${randomHex(12)}`;
  const rowId = `${conversationId}/${number}`;
  const sealed = sealSaid(envelope, organizationId, 'support_messages.contents', rowId, { content: asked.message });
  const { sender } = asked;
  const receivedAt = await insertSupportMessage(db, organizationId, conversationId, {
    number,
    messageId,
    sender,
    sealed,
  });
  const isOfCustomer = sender === 'user';
  if (isOfCustomer) {
    const data = { conversation_id: conversationId, channel, message_id: messageId };
    const subject = `conversation/${conversationId}`;
    await emitEvent(db, { type: 'message.received', subject, userId: customer.userId, data });
  }
  // Whoever writes to a conversation that was resolved begins it anew.
  const isOpen = isOfCustomer && status !== 'escalated';
  const isTooLong = isOpen && status === 'active' && turns >= settings.maxTurns;
  const begun = { conversation, messageId, number, receivedAt, isHandedOver: isTooLong };
  if (isTooLong) {
    const change = await escalate(db, organizationId, conversation, 'turn_limit', settings.agents);
    await changeSupportConversation(db, organizationId, conversationId, { ...change, messages: 1 });
    return { ...begun, conversation: { ...conversation, ...change }, answer: undefined };
  }
  if (!isOpen) {
    await changeSupportConversation(db, organizationId, conversationId, { messages: 1 });
    return { ...begun, answer: undefined };
  }
  const answer = { number: number + 1, messageId: `msg_${randomHex(12)}` };
  await insertPendingAnswer(db, organizationId, conversationId, answer);
  const reopened = status === 'resolved' ? ({ status: 'active', turns: 0 } as const) : {};
  await changeSupportConversation(db, organizationId, conversationId, { ...reopened, messages: 2 });
  return { ...begun, conversation: { ...conversation, ...reopened }, answer };
}

async function continueOrBegin(
  db: Queryable,
  { conversationId, user, channel, metadata, sender }: SupportMessage,
  { inForce, caller, customer }: TurnOptions,
): Promise<SupportConversationRow> {
  const { snapshot, envelope } = inForce;
  const { organizationId } = snapshot;
  if (conversationId !== undefined) {
    const found = await requireSupportConversation(db, inForce, caller, conversationId, true);
    if (found.user === customer.user) return found;
    const message = `The conversation is not one of ${JSON.stringify(user.slice(0, 100))}`;
    throw new ProxyError('user_mismatch', { param: 'user_id', message });
  }
  if (sender === 'agent') {
    const message = 'An agent’s message needs conversation_id: customers begin conversations';
    throw new ProxyError('invalid_request', { param: 'conversation_id', message });
  }
  await noteUser(db, organizationId, { userId: customer.userId, externalId: customer.user });
  const id = `conv_${randomHex(12)}`;
  const metadataSealed =
    Object.keys(metadata).length === 0
      ? null
      : sealSaid(envelope, organizationId, 'support_conversations.metadata', id, metadata);
  const row = { conversationId: id, userId: customer.userId, channel, metadataSealed };
  await insertSupportConversation(db, organizationId, row);
  const subject = `conversation/${id}`;
  const data = { conversation_id: id, channel };
  await emitEvent(db, { type: 'conversation.created', subject, userId: customer.userId, data });
  const begun = await findSupportConversation(db, organizationId, id);
  // The customer is being erased.
  if (!begun) throw new ProxyError('user_inactive', { param: 'user_id' });
  return begun;
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
