import type { ConversationRow } from '../../database/conversations.ts';
import { align, type RulesFormat, toLine } from './render-rules.ts';

export interface ConversationLine {
  readonly organization: string;
  readonly conversation: ConversationRow;
}

export function renderConversations(lines: readonly ConversationLine[], format: RulesFormat): string {
  if (format === 'json') return `${JSON.stringify({ conversations: lines.map(toJson) })}\n`;
  if (lines.length === 0) return 'There are no conversations.\n';
  const head = [
    'ORGANIZATION',
    'CONVERSATION',
    'USER',
    'LAST CALL',
    'CALLS',
    'BRANCHES',
    'TOKENS',
    'COST USD',
    'MODELS',
  ];
  return align([head, ...lines.map(toCells)]);
}

function toJson({ organization, conversation }: ConversationLine) {
  const { userId: _, firstCallAt, ...shown } = conversation;
  return { organization, ...shown, startedAt: firstCallAt };
}

function toCells({ organization, conversation }: ConversationLine): string[] {
  const { conversationId, user, lastCallAt, calls, branches, totalTokens, costUsd, models } = conversation;
  return [
    organization,
    conversationId,
    toLine(user ?? ''),
    lastCallAt.toISOString().replace(/\.\d+Z$/, 'Z'),
    String(calls),
    String(branches),
    String(totalTokens),
    String(Number(costUsd)),
    toLine(models.join(',')),
  ];
}
