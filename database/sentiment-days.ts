import type { Queryable } from './queryable.ts';
import type { SupportGroup } from './support/days.ts';

/** What is added to a day. */
export interface SentimentTally {
  /** `YYYY-MM-DD` in UTC. */
  readonly day: string;
  readonly texts: number;
  readonly positive: number;
  readonly negative: number;
  /** The sum of 1 + positive - negative of each text, in thousandths. */
  readonly scoreSum: number;
}

export interface IssueTally {
  readonly day: string;
  readonly issue: string;
  readonly queries: number;
  /** Queries that could be rated. */
  readonly rated: number;
  /** As of texts, of those. */
  readonly scoreSum: number;
}

/** Adds texts and queries to the sums of their days. */
export async function addToDays(
  db: Queryable,
  organizationId: string,
  { texts, issues }: { readonly texts: readonly SentimentTally[]; readonly issues: readonly IssueTally[] },
): Promise<void> {
  await db.query(
    `with given as (
       select * from json_to_recordset($2::json)
         as t (day date, texts bigint, positive bigint, negative bigint, "scoreSum" bigint)
     ), asked as (
       select * from json_to_recordset($3::json)
         as t (day date, issue text, queries bigint, rated bigint, "scoreSum" bigint)
     ), added as (
       insert into chaperone.sentiment_days as d (organization_id, day, texts, positive, negative, score_sum)
       select $1::uuid, day, texts, positive, negative, "scoreSum" from given order by day
       on conflict (organization_id, day) do update set texts = d.texts + excluded.texts,
         positive = d.positive + excluded.positive, negative = d.negative + excluded.negative,
         score_sum = d.score_sum + excluded.score_sum
     )
     insert into chaperone.issue_days as d (organization_id, day, issue, queries, rated, score_sum)
     select $1::uuid, day, issue, queries, rated, "scoreSum" from asked order by day, issue
     on conflict (organization_id, day, issue) do update set queries = d.queries + excluded.queries,
       rated = d.rated + excluded.rated, score_sum = d.score_sum + excluded.score_sum`,
    [organizationId, JSON.stringify(texts), JSON.stringify(issues)],
  );
}

/** Sums of the texts of a period. */
export interface SentimentSums extends Omit<SentimentTally, 'day'> {
  /** The first day of the group. */
  readonly date: string;
}

interface Days {
  readonly firstDay: string;
  readonly lastDay: string;
}

/** Reads the sums of a period by group, the earliest first, without groups in which there was no text. */
export async function readSentimentSums(
  db: Queryable,
  organizationId: string,
  { firstDay, lastDay }: Days,
  group: SupportGroup,
): Promise<SentimentSums[]> {
  const { rows } = await db.query<SentimentSums>(
    `select to_char(date_trunc($4::text, day::timestamp), 'YYYY-MM-DD') as date, sum(texts)::float8 as texts,
       sum(positive)::float8 as positive, sum(negative)::float8 as negative, sum(score_sum)::float8 as "scoreSum"
     from chaperone.sentiment_days
     where organization_id = $1::uuid and day between $2::date and $3::date
     group by 1 order by 1`,
    [organizationId, firstDay, lastDay, group],
  );
  return rows;
}

/** Reads what most queries of a period were about. */
export async function readIssues(
  db: Queryable,
  organizationId: string,
  { firstDay, lastDay }: Days,
  most: number,
): Promise<Omit<IssueTally, 'day'>[]> {
  const { rows } = await db.query<Omit<IssueTally, 'day'>>(
    `select issue, sum(queries)::float8 as queries, sum(rated)::float8 as rated, sum(score_sum)::float8 as "scoreSum"
     from chaperone.issue_days
     where organization_id = $1::uuid and day between $2::date and $3::date
     group by issue order by sum(queries) desc, issue limit $4::integer`,
    [organizationId, firstDay, lastDay, most],
  );
  return rows;
}
