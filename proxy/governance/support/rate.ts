import { rateSupportConversation } from '../../../database/support/conversations.ts';
import { inTransaction } from '../../../database/transaction.ts';
import { emitEvent } from '../../../database/webhook-events.ts';
import type { Caller } from '../../calls/call.ts';
import type { GovernanceContext } from '../context.ts';
import { requireSupportConversation } from './begin-turn.ts';
import { sealSaid } from './sealing.ts';

/** What a customer thinks of a conversation. */
export interface SupportRating {
  /** From 1 to 5. */
  readonly rating: number;
  readonly comment: string | undefined;
}

/**
 * Rates a conversation of a customer for whom the caller may speak. A second rating takes the place of the first.
 *
 * @returns when it was rated
 * @throws {ProxyError} `conversation_not_found`, `store_unavailable`
 */
export async function rateConversation(
  context: Pick<GovernanceContext, 'inForce' | 'store'>,
  caller: Caller,
  id: string,
  { rating, comment }: SupportRating,
): Promise<Date> {
  const inForce = context.inForce();
  const { snapshot, envelope } = inForce;
  const { organizationId } = snapshot;
  const column = 'support_conversations.comment';
  const commentSealed = comment === undefined ? null : sealSaid(envelope, organizationId, column, id, { comment });
  return context.store.run((db) =>
    inTransaction(db, async () => {
      const { userId, channel } = await requireSupportConversation(db, inForce, caller, id, true);
      const data = { conversation_id: id, channel, rating };
      await emitEvent(db, { type: 'feedback.submitted', subject: `conversation/${id}`, userId, data });
      return rateSupportConversation(db, organizationId, id, { rating, commentSealed });
    }),
  );
}
