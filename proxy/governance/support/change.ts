import { toStorable } from '../../../database/storable.ts';
import { changeSupportConversation, type SupportStatus } from '../../../database/support/conversations.ts';
import { inTransaction } from '../../../database/transaction.ts';
import { emitEvent } from '../../../database/webhook-events.ts';
import type { Caller } from '../../calls/call.ts';
import { ProxyError } from '../../error.ts';
import type { GovernanceContext } from '../context.ts';
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
  const inForce = context.inForce();
  const { organizationId } = inForce.snapshot;
  const agent = assignedAgent == null ? assignedAgent : toStorable(assignedAgent);
  await context.store.run((db) =>
    inTransaction(db, async () => {
      const now = await requireSupportConversation(db, inForce, caller, id, true);
      const { userId, channel } = now;
      const named = agent === undefined ? {} : { assignedAgent: agent };
      if (status === 'escalated' && now.status !== 'escalated') {
        const { agents } = supportSettings(inForce.snapshot);
        const reason = seesOrganization(caller) ? 'manual' : 'customer_request';
        const change = await escalate(db, organizationId, now, reason, agents, agent);
        await changeSupportConversation(db, organizationId, id, change);
        return;
      }
      if (status === 'resolved' && now.status !== 'resolved') {
        const data = { conversation_id: id, channel };
        await emitEvent(db, { type: 'conversation.resolved', subject: `conversation/${id}`, userId, data });
      }
      const beginsAnew = status === 'active' && now.status !== 'active';
      const isSame = status === undefined || status === now.status;
      await changeSupportConversation(db, organizationId, id, {
        ...named,
        ...(!isSame && { status }),
        ...(beginsAnew && { turns: 0, ...(agent === undefined && { assignedAgent: null }) }),
      });
    }),
  );
  return (await getSupportConversation(context, caller, id)).conversation;
}
