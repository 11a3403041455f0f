import type { IssueTally, SentimentTally } from '../../../../database/sentiment-days.ts';
import type { Sentiment } from '../sentiment/sentiment.ts';

/** A text that was judged. */
export type JudgedText = Pick<Sentiment, 'sentiment' | 'positive' | 'negative'>;

/** A query that was answered. */
export interface AnsweredQuery {
  readonly issue: string;
  /** Undefined: it could not be rated. */
  readonly judged: JudgedText | undefined;
}

/** Texts and queries that are to be counted. */
export interface Counted {
  readonly texts: readonly SentimentTally[];
  readonly issues: readonly IssueTally[];
}

/** From 0, all negative, to 2,000, all positive: 1 + positive - negative in thousandths. */
export function scoreOf({ positive, negative }: Pick<JudgedText, 'positive' | 'negative'>): number {
  return 1_000 + Math.round(positive * 1_000) - Math.round(negative * 1_000);
}

/** @param day `YYYY-MM-DD` in UTC */
export function tallyTexts(day: string, judged: readonly JudgedText[]): Counted {
  if (judged.length === 0) return { texts: [], issues: [] };
  const count = (label: JudgedText['sentiment']) => judged.filter(({ sentiment }) => sentiment === label).length;
  const scoreSum = judged.reduce((sum, one) => sum + scoreOf(one), 0);
  const tally = { day, texts: judged.length, positive: count('positive'), negative: count('negative'), scoreSum };
  return { texts: [tally], issues: [] };
}

export function tallyQuery(day: string, { issue, judged }: AnsweredQuery): Counted {
  const rated = judged ? { rated: 1, scoreSum: scoreOf(judged) } : { rated: 0, scoreSum: 0 };
  return { texts: [], issues: [{ day, issue, queries: 1, ...rated }] };
}

/** Adds tallies up, one for each day, and for each issue of a day. */
export function addUp(counted: readonly Counted[]): Counted {
  const texts = new Map<string, SentimentTally>();
  const issues = new Map<string, IssueTally>();
  for (const each of counted) {
    for (const one of each.texts) {
      const known = texts.get(one.day);
      texts.set(one.day, known ? { ...addFields(known, one, ['texts', 'positive', 'negative', 'scoreSum']) } : one);
    }
    for (const one of each.issues) {
      const key = `${one.day} ${one.issue}`;
      const known = issues.get(key);
      issues.set(key, known ? { ...addFields(known, one, ['queries', 'rated', 'scoreSum']) } : one);
    }
  }
  return { texts: [...texts.values()], issues: [...issues.values()] };
}

function addFields<Row, Field extends keyof Row>(one: Row, other: Row, fields: readonly Field[]): Row {
  const sum = { ...one };
  for (const field of fields) sum[field] = (Number(one[field]) + Number(other[field])) as Row[Field];
  return sum;
}

/** The day of a moment, in UTC. */
export function toDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
