import { userIdOf } from '../../../database/ids.ts';
import { toStorable } from '../../../database/storable.ts';
import {
  type EscalationReason,
  listSupportConversations as listRows,
  type SupportConversationRow,
  type SupportStatus,
} from '../../../database/support/conversations.ts';
import { readSupportMessages, type SupportMessageRow } from '../../../database/support/messages.ts';
import type { Caller } from '../../calls/call.ts';
import { asString } from '../../providers/json.ts';
import type { GovernanceContext } from '../context.ts';
import type { Listed, Page } from '../page.ts';
import { admitRole } from '../roles.ts';
import { requireSupportConversation } from './begin-turn.ts';
import { openSaid } from './sealing.ts';

export { escalationReasons, supportStatuses } from '../../../database/support/conversations.ts';

type Context = Pick<GovernanceContext, 'inForce' | 'store'>;

/** A message with what it says. */
export interface SupportMessage extends Omit<SupportMessageRow, 'sealed'> {
  /** Empty where there is nothing yet, or nothing any more. */
  readonly content: string;
}

/** A conversation with what the client has said of the customer. */
export interface SupportConversation extends Omit<SupportConversationRow, 'metadataSealed'> {
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** Messages of a conversation that are read at most, the latest. */
const mostMessages = 10_000;

/**
 * Gets a conversation of a customer for whom the caller may speak, with its messages in their order.
 *
 * @throws {ProxyError} `conversation_not_found`, `store_unavailable`
 */
export async function getSupportConversation(
  context: Context,
  caller: Caller,
  id: string,
): Promise<{ readonly conversation: SupportConversation; readonly messages: readonly SupportMessage[] }> {
  const inForce = context.inForce();
  const { organizationId } = inForce.snapshot;
  return context.store.run(async (db) => {
    const row = await requireSupportConversation(db, inForce, caller, id);
    const rows = await readSupportMessages(db, organizationId, id, { last: mostMessages });
    return { conversation: open(context, row), messages: rows.map((message) => openMessage(context, id, message)) };
  });
}

/** Which conversations are asked for. Absent: all. */
export interface SupportQuestion {
  readonly status?: SupportStatus | undefined;
  readonly channel?: string | undefined;
  /** The customer's external id. */
  readonly user?: string | undefined;
  readonly assignedAgent?: string | undefined;
  readonly reason?: EscalationReason | undefined;
}

/**
 * Lists conversations, those that changed last first, for who sees the organization.
 *
 * @throws {ProxyError} `role_required`, `store_unavailable`
 */
export async function listSupportConversations(
  context: Context,
  caller: Caller,
  { status, channel, user, assignedAgent, reason }: SupportQuestion,
  page: Page,
): Promise<Listed<SupportConversation>> {
  admitRole(caller, 'analyst', 'reviewer');
  const { organizationId } = context.inForce().snapshot;
  const filter = {
    status: status ?? null,
    channel: channel === undefined ? null : toStorable(channel),
    userId: user === undefined ? null : userIdOf(organizationId, user),
    assignedAgent: assignedAgent === undefined ? null : toStorable(assignedAgent),
    reason: reason ?? null,
  };
  const { conversations, total } = await context.store.run((db) => listRows(db, organizationId, filter, page));
  return { items: conversations.map((row) => open(context, row)), total };
}

function open({ inForce }: Context, { metadataSealed, ...row }: SupportConversationRow): SupportConversation {
  const { snapshot, envelope } = inForce();
  const { conversationId } = row;
  const column = 'support_conversations.metadata';
  return { ...row, metadata: openSaid(envelope, snapshot.organizationId, column, conversationId, metadataSealed) };
}

function openMessage({ inForce }: Context, id: string, { sealed, ...row }: SupportMessageRow): SupportMessage {
  const { snapshot, envelope } = inForce();
  const rowId = `${id}/${row.number}`;
  const { content } = openSaid(envelope, snapshot.organizationId, 'support_messages.contents', rowId, sealed);
  return { ...row, content: asString(content) ?? '' };
}
