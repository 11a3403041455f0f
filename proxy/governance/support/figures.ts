import { readSupportSums, type SupportGroup, type SupportSums } from '../../../database/support/days.ts';
import type { Caller } from '../../calls/call.ts';
import { ProxyError } from '../../error.ts';
import type { GovernanceContext } from '../context.ts';
import { type Period, readPeriod } from '../figures/period.ts';
import { admitRole } from '../roles.ts';

/** Figures of the conversations that began in a period. */
export interface SupportFigures {
  readonly conversations: number;
  /** Those that are resolved and were never handed over. */
  readonly aiResolved: number;
  /** Those that were handed over at least once. */
  readonly escalated: number;
  /** From 0 to 1: how many of the conversations the machine has resolved. Null without conversations. */
  readonly resolutionRate: number | null;
  /** Seconds from a message to the machine's answer. Null without answers. */
  readonly responseSeconds: number | null;
  /** The mean of the ratings, from 1 to 5. Null without any. */
  readonly satisfaction: number | null;
}

export interface SupportFiguresOfGroup extends SupportFigures {
  /** The first day of the group, `YYYY-MM-DD`. A week begins on Monday. */
  readonly date: string;
}

/**
 * Reads the figures of a period, for who sees the organization. A conversation counts on the day on which it began.
 *
 * @throws {ProxyError} `role_required`, `invalid_request`, `store_unavailable`
 */
export async function readSupportFigures(
  { inForce, store }: Pick<GovernanceContext, 'inForce' | 'store'>,
  caller: Caller,
  { startDate, endDate, group }: { readonly startDate: string; readonly endDate: string; readonly group: SupportGroup },
): Promise<{
  readonly period: Period;
  readonly total: SupportFigures;
  readonly groups: readonly SupportFiguresOfGroup[];
}> {
  admitRole(caller, 'analyst', 'reviewer');
  const period = readPeriod(startDate, endDate, Date.now());
  const { organizationId } = inForce().snapshot;
  const sums = await store.run((db) => readSupportSums(db, organizationId, period, group));
  return {
    period,
    total: toFigures(sums),
    groups: sums.map((one) => ({ date: one.date, ...toFigures([one]) })),
  };
}

type Sum = Exclude<keyof SupportSums, 'date'>;

function toFigures(sums: readonly SupportSums[]): SupportFigures {
  const sum = (name: Sum) => sums.reduce((total, one) => total + one[name], 0);
  const [conversations, aiResolved] = [sum('conversations'), sum('aiResolved')];
  return {
    ...{ conversations, aiResolved, escalated: sum('escalated') },
    resolutionRate: ratio(aiResolved, conversations, 4),
    responseSeconds: ratio(sum('responseMs'), sum('answers') * 1_000, 3),
    satisfaction: ratio(sum('ratingSum'), sum('ratings'), 2),
  };
}

function ratio(part: number, whole: number, places: number): number | null {
  return whole === 0 ? null : Number((part / whole).toFixed(places));
}

/** The names of figures, as callers choose them. */
export const figureNames = [
  'total_conversations',
  'ai_resolved',
  'escalated',
  'resolution_rate',
  'avg_response_time',
  'customer_satisfaction',
] as const;
export type FigureName = (typeof figureNames)[number];

/**
 * Reads which figures are wanted: names, separated by commas. `conversations` stands for `total_conversations`.
 *
 * @param text undefined: all
 * @throws {ProxyError} `invalid_request` for a name that there is not
 */
export function readFigureNames(text: string | undefined): readonly FigureName[] {
  if (text === undefined) return figureNames;
  const names = text.split(',').map((name) => name.trim());
  return names.map((name) => {
    const known = figureNames.find(
      (one) => one === name || (name === 'conversations' && one === 'total_conversations'),
    );
    if (known) return known;
    const message = `metrics must be some of conversations, ${figureNames.join(', ')}, separated by commas`;
    throw new ProxyError('invalid_request', { param: 'metrics', message, details: { expected: 'string' } });
  });
}
