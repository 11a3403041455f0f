import { statementName } from './client.ts';
import type { Queryable } from './queryable.ts';
import { startedAtOfRequest } from './requests.ts';

/** One rating of one call, as JSON with the names of the columns. */
export interface RatingRecord {
  rating_id: string;
  request_id: string;
  response_id: string | null;
  /** The user who made the call. */
  user_id: string;
  rating: 1 | -1;
  feedback: string | null;
  rated_by: string | null;
  /** ISO 8601 in UTC. */
  rated_at: string;
}

/**
 * Stores a batch of ratings. Each goes into the history, and the newest becomes the call's rating. It is safe to send a
 * batch again.
 *
 * @param ratingsJson a JSON array of RatingRecord, as text
 */
export async function insertRatings(db: Queryable, organizationId: string, ratingsJson: string): Promise<void> {
  await db.query({
    name: statementName(db, 'insert-ratings'),
    text: `
      with record as materialized (
        select * from json_to_recordset($2::json) as r (
          rating_id uuid, request_id text, response_id text, user_id uuid, rating smallint, feedback text, rated_by uuid,
          rated_at timestamptz)
      ), history as (
        insert into chaperone.rating_history (organization_id, request_id, rating_id, rating, feedback, rated_by, rated_at)
        select $1::uuid, request_id, rating_id, rating, feedback, rated_by, rated_at
        from record
        on conflict do nothing
      )
      insert into chaperone.ratings as r (organization_id, request_id, response_id, user_id, rating, feedback, rated_by,
        rated_at, call_kind, persona_id, model, requested_model)
      select $1::uuid, r.request_id, r.response_id, r.user_id, r.rating, r.feedback, r.rated_by, r.rated_at, q.kind,
        q.persona_id, q.model, q.requested_model
      from (select distinct on (request_id) * from record order by request_id, rated_at desc) r
        left join lateral (
          select q.kind, q.persona_id, q.model, q.requested_model
          from chaperone.requests q
          where q.organization_id = $1::uuid and q.request_id = r.request_id
            and q.started_at = ${startedAtOfRequest('r.request_id')}
          limit 1
        ) q on true
      on conflict (organization_id, request_id) do update
        set response_id = excluded.response_id, user_id = excluded.user_id, rating = excluded.rating,
            feedback = excluded.feedback, rated_by = excluded.rated_by, rated_at = excluded.rated_at,
            call_kind = excluded.call_kind, persona_id = excluded.persona_id, model = excluded.model,
            requested_model = excluded.requested_model
        where excluded.rated_at >= r.rated_at`,
    values: [organizationId, ratingsJson],
  });
}
