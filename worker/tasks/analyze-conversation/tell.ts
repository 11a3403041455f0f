import { findConversationAnalysis } from '../../../database/conversation-analyses.ts';
import { findConversation } from '../../../database/conversations.ts';
import type { Queryable } from '../../../database/queryable.ts';
import { emitEvent } from '../../../database/webhook-events.ts';

/** Tells webhooks that an analysis has ended. Call it in the transaction that ends it. */
export async function tellOfAnalysis(db: Queryable, organizationId: string, id: string): Promise<void> {
  const row = await findConversationAnalysis(db, organizationId, id);
  const conversation = row && (await findConversation(db, organizationId, row.conversationId));
  if (!conversation) return;
  const { conversationId, branchId, template, status, errorCode, errorMessage } = row;
  const data = { analysis_id: id, conversation_id: conversationId, branch_id: branchId, template };
  const about = { subject: `conversation/${conversationId}/${branchId}`.slice(0, 200), userId: conversation.userId };
  if (status === 'completed') {
    await emitEvent(db, { type: 'analysis.completed', ...about, data });
    return;
  }
  const error = { code: errorCode ?? 'internal_error', message: errorMessage ?? 'The analysis has failed' };
  await emitEvent(db, { type: 'analysis.failed', ...about, data: { ...data, error } });
}
