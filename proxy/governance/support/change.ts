import { diffFields } from '../../../database/audit/diff.ts';
import type { Queryable } from '../../../database/queryable.ts';
import { toStorable } from '../../../database/storable.ts';
import {
  changeSupportConversation,
  type SupportChange,
  type SupportConversationRow,
  type SupportStatus,
} from '../../../database/support/conversations.ts';
import { emitEvent } from '../../../database/webhook-events.ts';
import type { Caller } from '../../calls/call.ts';
import { ProxyError } from '../../error.ts';
import type { GovernanceContext } from '../context.ts';
import { type RecordedChange, recorded } from '../recorded.ts';
import { admitRole, seesOrganization } from '../roles.ts';
import { requireSupportConversation } from './begin-turn.ts';
import { getSupportConversation, type SupportConversation } from './conversations.ts';
import { escalate } from './escalate.ts';
import { supportSettings } from './settings.ts';

type Context = Pick<GovernanceContext, 'inForce' | 'store'>;

/** Absent fields stay as they are. */
export interface SupportConversationChange {
  readonly status?: SupportStatus | undefined;
  /** Null: nobody. Staff alone says who it is. */
  readonly assignedAgent?: string | null | undefined;
}

/**
 * Changes who has a conversation: hands it over (to an agent, or to the next one on the rota), gives it back to the machine,
 * or ends it. A conversation that is `active` again has all turns before it. Whoever speaks for the customer may end it or
 * hand it over; giving it back, and naming an agent, is for reviewers and admins.
 *
 * @throws {ProxyError} `conversation_not_found`, `role_required`, `invalid_request` where nothing is to change,
 * `store_unavailable`
 */
export async function changeConversation(
  context: Context,
  caller: Caller,
  id: string,
  { status, assignedAgent }: SupportConversationChange,
): Promise<SupportConversation> {
  if (status === undefined && assignedAgent === undefined) {
    throw new ProxyError('invalid_request', { message: 'the body must have status or assigned_agent' });
  }
  if (assignedAgent !== undefined || (status === 'active' && !seesOrganization(caller))) admitRole(caller, 'reviewer');
  const agent = assignedAgent == null ? assignedAgent : toStorable(assignedAgent);
  const change = (db: Queryable) => makeChange(db, context, caller, id, { status, assignedAgent: agent });
  await recorded(context, caller, change, describeChange);
  return (await getSupportConversation(context, caller, id)).conversation;
}

/** A conversation before a change, and what has changed. */
interface Changed {
  readonly before: SupportConversationRow;
  readonly change: SupportChange;
}

async function makeChange(
  db: Queryable,
  { inForce }: Context,
  caller: Caller,
  id: string,
  asked: SupportConversationChange,
): Promise<Changed> {
  const { snapshot } = inForce();
  const { organizationId } = snapshot;
  const before = await requireSupportConversation(db, inForce(), caller, id, true);
  const { status, assignedAgent } = asked;
  if (status === 'escalated' && before.status !== 'escalated') {
    const { agents } = supportSettings(snapshot);
    const reason = seesOrganization(caller) ? 'manual' : 'customer_request';
    const change = await escalate(db, organizationId, before, reason, agents, assignedAgent);
    await changeSupportConversation(db, organizationId, id, change);
    return { before, change };
  }
  if (status === 'resolved' && before.status !== 'resolved') await tellResolved(db, caller, before);
  const beginsAnew = status === 'active' && before.status !== 'active';
  const change: SupportChange = {
    ...(beginsAnew && { turns: 0, assignedAgent: null }),
    ...(assignedAgent !== undefined && { assignedAgent }),
    ...(status !== undefined && status !== before.status && { status }),
  };
  await changeSupportConversation(db, organizationId, id, change);
  return { before, change };
}

async function tellResolved(db: Queryable, caller: Caller, before: SupportConversationRow): Promise<void> {
  const { conversationId, channel, userId } = before;
  const by = seesOrganization(caller) ? 'staff' : 'customer';
  const data = { conversation_id: conversationId, channel, resolved_by: by } as const;
  await emitEvent(db, { type: 'conversation.resolved', subject: `conversation/${conversationId}`, userId, data });
}

/** Who has the conversation, before and after. Nothing of what is said in it. */
function describeChange({ before, change }: Changed): RecordedChange | undefined {
  const shown = ({
    status,
    reason,
    assignedAgent,
  }: Pick<SupportConversationRow, 'status' | 'reason' | 'assignedAgent'>) => ({
    status,
    reason,
    assigned_agent: assignedAgent,
  });
  const changes = diffFields('conversation', shown(before), shown({ ...before, ...change }));
  if (changes.length === 0) return undefined;
  const subject = `SupportConversation/${before.conversationId}`;
  return { action: 'changed', subject, user: { $user: before.user }, changes };
}
