import type { SupportConversationRow } from '../../database/support/conversations.ts';
import { align, type RulesFormat, toLine } from './render-rules.ts';

export interface SupportLine {
  readonly organization: string;
  readonly conversation: SupportConversationRow;
}

/** Shows conversations with the support desk as a table, or as JSON. */
export function renderSupportConversations(lines: readonly SupportLine[], format: RulesFormat): string {
  if (format === 'json') return `${JSON.stringify({ support_conversations: lines.map(toJson) })}\n`;
  if (lines.length === 0) return 'There are no conversations with the support desk.\n';
  const head = [
    ...['ORGANIZATION', 'CONVERSATION', 'CUSTOMER', 'STATUS', 'REASON', 'AGENT', 'CHANNEL', 'MESSAGES', 'RATING'],
    ...['COST USD', 'CHANGED'],
  ];
  return align([head, ...lines.map(toCells)]);
}

function toJson({ organization, conversation }: SupportLine) {
  const { conversationId, user, status, reason, assignedAgent, channel, language, messages, rating } = conversation;
  return {
    ...{ organization, conversation_id: conversationId, user_id: user, status, reason, assigned_agent: assignedAgent },
    ...{ channel, language, message_count: messages, rating, cost_usd: Number(conversation.costUsd) },
    created_at: conversation.createdAt.toISOString(),
    updated_at: conversation.updatedAt.toISOString(),
    resolved_at: conversation.resolvedAt?.toISOString() ?? null,
  };
}

function toCells({ organization, conversation }: SupportLine): string[] {
  const { conversationId, user, status, reason, assignedAgent, channel, messages, rating } = conversation;
  return [
    ...[organization, conversationId, user, status, reason ?? '', assignedAgent ?? '', channel, String(messages)],
    ...[rating?.toString() ?? '', String(Number(conversation.costUsd))],
    conversation.updatedAt.toISOString().replace(/\.\d+Z$/, 'Z'),
  ].map(toLine);
}
