import type { Queryable } from '../queryable.ts';
import { readSessionCosts, type SessionCosts } from './costs.ts';
import { type FeedbackCounts, readFeedbackCounts } from './feedback-counts.ts';
import { readSessionMetrics, type SessionMetrics } from './metrics.ts';

/** A session of one user, with the figures that the API shows. */
export interface LatestSession {
  readonly sessionId: string;
  readonly userId: string;
  /** Null for calls without a user. */
  readonly user: string | null;
  readonly startedAt: Date;
  readonly costs: SessionCosts;
  readonly metrics: SessionMetrics;
  readonly feedback: FeedbackCounts;
}

type Named = Pick<LatestSession, 'sessionId' | 'userId' | 'user' | 'startedAt'>;

/**
 * Reads the sessions of an organization that began last, the latest first. Analyses are no sessions.
 *
 * @param userId null: of all users
 */
export async function readLatestSessions(
  db: Queryable,
  organizationId: string,
  { userId, limit }: { readonly userId: string | null; readonly limit: number },
): Promise<LatestSession[]> {
  const { rows } = await db.query<Named>(
    `select session_id as "sessionId", known.user_id as "userId", u.external_id as "user", started_at as "startedAt"
     from (
       select user_id, session_id, min(at) as started_at
       from (
         (
           select user_id, session_id, first_call_at as at
           from chaperone.sessions
           where ${isSelected} and first_call_at is not null
           order by first_call_at desc
           limit $3::integer
         )
         union all ${ofTable('session_costs', 'occurred_at')}
         union all ${ofTable('session_turns', 'closed_at')}
         union all ${ofTable('guardrail_blocks', 'started_at')}
       ) part
       group by user_id, session_id
       order by started_at desc, user_id, session_id
       limit $3::integer
     ) known
       left join chaperone.users u on u.organization_id = $1::uuid and u.user_id = known.user_id
     order by started_at desc, known.user_id, session_id`,
    [organizationId, userId, limit],
  );
  const feedback = await readFeedbackCounts(db, organizationId, rows);
  const sessions: LatestSession[] = [];
  for (const [index, named] of rows.entries()) {
    const filter = { organizationId, sessionId: named.sessionId, userId: named.userId };
    const metrics = await readSessionMetrics(db, filter);
    const counts = feedback[index];
    // It may have been erased meanwhile.
    if (metrics && counts) {
      sessions.push({ ...named, costs: await readSessionCosts(db, filter), metrics, feedback: counts });
    }
  }
  return sessions;
}

const isSelected = 'organization_id = $1::uuid and ($2::uuid is null or user_id = $2::uuid)';

/** The sessions of a table that have no calls, so that the sums do not know them. */
const ofTable = (table: string, time: string) => `
  (
    select user_id, session_id, min(${time})
    from chaperone.${table} t
    where ${isSelected} and not exists (
      select from chaperone.sessions s
      where s.organization_id = $1::uuid and s.user_id = t.user_id and s.session_id = t.session_id
        and s.first_call_at is not null)
    group by user_id, session_id
    order by min(${time}) desc
    limit $3::integer
  )`;
