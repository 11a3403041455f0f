import type { LatestSession } from '../../database/speech/latest.ts';
import { align, type RulesFormat, toLine } from './render-rules.ts';

export interface SessionLine {
  readonly organization: string;
  readonly session: LatestSession;
}

export function renderSessions(lines: readonly SessionLine[], format: RulesFormat): string {
  if (format === 'json') return `${JSON.stringify({ sessions: lines.map(toJson) })}\n`;
  if (lines.length === 0) return 'There are no sessions.\n';
  const head = [
    'ORGANIZATION',
    'SESSION',
    'USER',
    'STARTED',
    'TURNS',
    'FAILED',
    'INTERRUPTED',
    'COST USD',
    'SAVED USD',
    'UP',
    'DOWN',
    'STARS',
  ];
  return align([head, ...lines.map(toCells)]);
}

function toJson({ organization, session }: SessionLine) {
  const { sessionId, user, startedAt, costs, metrics, feedback } = session;
  return {
    organization,
    sessionId,
    user,
    startedAt,
    turns: Number(metrics.turns),
    successfulTurns: Number(metrics.successful),
    failedTurns: Number(metrics.failed),
    interruptedTurns: Number(metrics.interrupted),
    averageTurnMs: metrics.totalMs,
    guardrailBlocks: Number(metrics.blocks),
    costUsd: costs.costUsd,
    costUsdByService: Object.fromEntries(costs.byService.map(({ name, costUsd }) => [name, costUsd])),
    unpricedEntries: Number(costs.unpricedCount),
    cacheSavingsUsd: costs.savingsUsd,
    feedback,
  };
}

function toCells({ organization, session }: SessionLine): string[] {
  const { sessionId, user, startedAt, costs, metrics, feedback } = session;
  return [
    organization,
    toLine(sessionId),
    toLine(user ?? ''),
    startedAt.toISOString().replace(/\.\d+Z$/, 'Z'),
    metrics.turns,
    metrics.failed,
    metrics.interrupted,
    String(Number(costs.costUsd)),
    String(Number(costs.savingsUsd)),
    String(feedback.thumbsUp),
    String(feedback.thumbsDown),
    feedback.stars === null ? '' : `${Math.round(feedback.stars * 10) / 10} (${feedback.starred})`,
  ];
}
