import type { Queryable } from '../queryable.ts';

export type SupportGroup = 'day' | 'week' | 'month';

/** Sums of the conversations that began in a period. */
export interface SupportSums {
  /** The first day of the group, `YYYY-MM-DD`. A week begins on Monday. */
  readonly date: string;
  readonly conversations: number;
  readonly aiResolved: number;
  readonly escalated: number;
  readonly answers: number;
  readonly responseMs: number;
  readonly ratings: number;
  readonly ratingSum: number;
}

/**
 * Reads the sums of a period by group, the earliest first, without groups in which no conversation began.
 *
 * @param period days in UTC, both included
 */
export async function readSupportSums(
  db: Queryable,
  organizationId: string,
  { firstDay, lastDay }: { readonly firstDay: string; readonly lastDay: string },
  group: SupportGroup,
): Promise<SupportSums[]> {
  const { rows } = await db.query<SupportSums>(
    `select to_char(date_trunc($4::text, day::timestamp), 'YYYY-MM-DD') as date,
       sum(conversations)::float8 as conversations, sum(ai_resolved)::float8 as "aiResolved",
       sum(escalated)::float8 as escalated, sum(answers)::float8 as answers, sum(response_ms)::float8 as "responseMs",
       sum(ratings)::float8 as ratings, sum(rating_sum)::float8 as "ratingSum"
     from chaperone.support_days
     where organization_id = $1::uuid and day between $2::date and $3::date
     group by 1 order by 1`,
    [organizationId, firstDay, lastDay, group],
  );
  return rows;
}
