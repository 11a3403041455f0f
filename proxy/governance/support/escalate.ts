import type { Queryable } from '../../../database/queryable.ts';
import {
  countAssignment,
  type EscalationReason,
  type SupportConversationRow,
} from '../../../database/support/conversations.ts';
import { emitEvent } from '../../../database/webhook-events.ts';

/** What a hand-over changes. */
export interface Escalated {
  readonly status: 'escalated';
  readonly reason: EscalationReason;
  readonly assignedAgent: string | null;
}

/**
 * Hands a locked conversation over, and tells of it. The caller stores the change.
 *
 * @param agent undefined: the next one on the rota
 */
export async function escalate(
  db: Queryable,
  organizationId: string,
  { conversationId, channel, userId }: SupportConversationRow,
  reason: EscalationReason,
  agents: readonly string[],
  agent?: string | null,
): Promise<Escalated> {
  const assignedAgent = agent === undefined ? await nextOnRota(db, organizationId, agents) : agent;
  const data = { conversation_id: conversationId, channel, reason, assigned_agent: assignedAgent };
  const subject = `conversation/${conversationId}`;
  await emitEvent(db, { type: 'conversation.escalated', subject, userId, data });
  return { status: 'escalated', reason, assignedAgent };
}

async function nextOnRota(db: Queryable, organizationId: string, agents: readonly string[]): Promise<string | null> {
  if (agents.length === 0) return null;
  return agents[(await countAssignment(db, organizationId)) % agents.length] ?? null;
}
