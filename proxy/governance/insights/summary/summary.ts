import { readIssues, readSentimentSums, type SentimentSums } from '../../../../database/sentiment-days.ts';
import { readSupportSums, type SupportGroup, type SupportSums } from '../../../../database/support/days.ts';
import type { Caller } from '../../../calls/call.ts';
import type { GovernanceContext } from '../../context.ts';
import { type Period, readPeriod } from '../../figures/period.ts';
import { admitRole } from '../../roles.ts';
import { dayCounterOf } from './count.ts';

/** The figures of a period. What nothing is known of is null. */
export interface Summary {
  readonly period: Period;
  /** Texts that were analysed, and conversations with the support desk that began. */
  readonly conversations: number;
  /** Shares of the texts. */
  readonly positive: number;
  readonly negative: number;
  readonly neutral: number;
  /** The mean of customers' ratings, from 1 to 5. */
  readonly satisfaction: number | null;
  /** Seconds from a message to the desk's answer. */
  readonly responseSeconds: number | null;
  /** The share of conversations that the desk has resolved by itself. */
  readonly resolutionRate: number | null;
  readonly timeline: readonly {
    readonly date: string;
    readonly conversations: number;
    readonly sentiment: number | null;
  }[];
  readonly issues: readonly { readonly issue: string; readonly queries: number; readonly sentiment: number | null }[];
}

const mostIssues = 10;

/**
 * Reads the figures of a period, for who sees the organization. The sums of the days are kept as things happen, so it takes
 * no longer with more texts.
 *
 * @throws {ProxyError} `role_required`, `invalid_request`, `store_unavailable`
 */
export async function readSummary(
  context: Pick<GovernanceContext, 'inForce' | 'store'>,
  caller: Caller,
  asked: { readonly startDate: string | undefined; readonly endDate: string | undefined; readonly group: SupportGroup },
): Promise<Summary> {
  admitRole(caller, 'analyst', 'reviewer');
  const period = readPeriod(asked.startDate, asked.endDate, Date.now());
  const { organizationId } = context.inForce().snapshot;
  await dayCounterOf(context).flush();
  const found = await context.store.run(async (db) => ({
    texts: await readSentimentSums(db, organizationId, period, asked.group),
    support: await readSupportSums(db, organizationId, period, asked.group),
    issues: await readIssues(db, organizationId, period, mostIssues),
  }));
  return summarize(period, found);
}

interface Found {
  readonly texts: readonly SentimentSums[];
  readonly support: readonly SupportSums[];
  readonly issues: readonly {
    readonly issue: string;
    readonly queries: number;
    readonly rated: number;
    readonly scoreSum: number;
  }[];
}

export function summarize(period: Period, { texts, support, issues }: Found): Summary {
  const sum = <Row>(rows: readonly Row[], of: (row: Row) => number) => rows.reduce((total, row) => total + of(row), 0);
  const all = sum(texts, (one) => one.texts);
  const [positive, negative] = [sum(texts, (one) => one.positive), sum(texts, (one) => one.negative)];
  const begun = sum(support, (one) => one.conversations);
  const dates = [...new Set([...texts, ...support].map(({ date }) => date))].sort();
  return {
    period,
    conversations: all + begun,
    positive: ratio(positive, all, 4) ?? 0,
    negative: ratio(negative, all, 4) ?? 0,
    neutral: ratio(all - positive - negative, all, 4) ?? 0,
    satisfaction: ratio(
      sum(support, (one) => one.ratingSum),
      sum(support, (one) => one.ratings),
      2,
    ),
    responseSeconds: ratio(
      sum(support, (one) => one.responseMs),
      sum(support, (one) => one.answers) * 1_000,
      3,
    ),
    resolutionRate: ratio(
      sum(support, (one) => one.aiResolved),
      begun,
      4,
    ),
    timeline: dates.map((date) => {
      const [text, desk] = [texts.find((one) => one.date === date), support.find((one) => one.date === date)];
      return {
        date,
        conversations: (text?.texts ?? 0) + (desk?.conversations ?? 0),
        sentiment: text ? sentimentOf(text.scoreSum, text.texts) : null,
      };
    }),
    issues: issues.map(({ issue, queries, rated, scoreSum }) => ({
      ...{ issue, queries },
      sentiment: sentimentOf(scoreSum, rated),
    })),
  };
}

/** From 0 to 1. */
function sentimentOf(scoreSum: number, texts: number): number | null {
  return ratio(scoreSum, texts * 2_000, 4);
}

function ratio(part: number, whole: number, places: number): number | null {
  return whole === 0 ? null : Number((part / whole).toFixed(places));
}
