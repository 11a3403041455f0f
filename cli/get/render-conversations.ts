import type { AnalysisOfBranch } from '../../database/conversation-analyses.ts';
import type { ConversationRow } from '../../database/conversations.ts';
import { align, type RulesFormat, toLine } from './render-rules.ts';

export interface ConversationLine {
  readonly organization: string;
  readonly conversation: ConversationRow;
  /** The latest one of each branch that has any. */
  readonly analyses: readonly AnalysisOfBranch[];
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
    'ANALYSES',
    'MODELS',
  ];
  return align([head, ...lines.map(toCells)]);
}

function toJson({ organization, conversation, analyses }: ConversationLine) {
  const { userId: _, firstCallAt, ...shown } = conversation;
  return {
    organization,
    ...shown,
    startedAt: firstCallAt,
    analyses: analyses.map(({ conversationId: __, ...analysis }) => analysis),
  };
}

function toCells({ organization, conversation, analyses }: ConversationLine): string[] {
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
    countByStatus(analyses),
    toLine(models.join(',')),
  ];
}

/** Such as `2 completed, 1 failed`. */
function countByStatus(analyses: readonly AnalysisOfBranch[]): string {
  const byStatus = Map.groupBy(analyses, ({ status }) => status);
  return Array.from(byStatus, ([status, those]) => `${those.length} ${status}`).join(', ');
}
