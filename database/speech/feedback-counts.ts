import type { Queryable } from '../queryable.ts';

/** What feedback says about a session. */
export interface FeedbackCounts {
  readonly thumbsUp: number;
  readonly thumbsDown: number;
  /** How many ratings by stars there are. */
  readonly starred: number;
  /** Their average; null where there are none. */
  readonly stars: number | null;
}

/** Counts the feedback on sessions, in their order. */
export async function readFeedbackCounts(
  db: Queryable,
  organizationId: string,
  sessions: readonly { readonly userId: string; readonly sessionId: string }[],
): Promise<FeedbackCounts[]> {
  const { rows } = await db.query<FeedbackCounts>(
    `select count(*) filter (where f.rating_type = 'thumbs' and f.rating > 0)::integer as "thumbsUp",
       count(*) filter (where f.rating_type = 'thumbs' and f.rating < 0)::integer as "thumbsDown",
       count(*) filter (where f.rating_type = 'stars')::integer as starred,
       avg(f.rating) filter (where f.rating_type = 'stars')::double precision as stars
     from unnest($2::uuid[], $3::text[]) with ordinality as s (user_id, session_id, at)
       left join chaperone.feedback f on f.organization_id = $1::uuid and f.user_id = s.user_id and f.session_id = s.session_id
     group by s.at
     order by s.at`,
    [organizationId, sessions.map(({ userId }) => userId), sessions.map(({ sessionId }) => sessionId)],
  );
  return rows;
}
