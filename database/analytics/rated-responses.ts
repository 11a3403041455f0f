import type { Queryable } from '../queryable.ts';
import { startedAtOfRequest } from '../requests.ts';
import type { UsageFilter } from './filter.ts';
import { attributeValues, hasAttributes } from './records.ts';
import type { Page } from './usage.ts';

/** A rating with its call. The call's fields are null where the call is not stored: not yet, or no longer. */
export interface RatedResponse {
  readonly requestId: string;
  readonly responseId: string | null;
  readonly sessionId: string | null;
  readonly externalId: string | null;
  readonly personaId: string | null;
  /** As it was asked for, else as it answered. */
  readonly model: string | null;
  /** As the provider named it in its answer. */
  readonly responseModel: string | null;
  readonly rating: 1 | -1;
  readonly feedback: string | null;
  readonly ratedAt: Date;
  readonly startedAt: Date | null;
  readonly totalTokens: string | null;
  readonly costUsd: string | null;
}

export interface RatingTotals {
  readonly rated: string;
  readonly positive: string;
  /** Of whatever kind of calls. */
  readonly ofAllKinds: string;
}

/**
 * Reads the ratings given in the period, the latest first. Each call is looked up separately, since the planner would
 * otherwise read all calls.
 */
export async function readRatedResponses(db: Queryable, filter: UsageFilter, page: Page): Promise<RatedResponse[]> {
  const { rows } = await db.query<RatedResponse>(
    `with page as materialized (
       select request_id, response_id, user_id, rating, feedback, rated_at
       from chaperone.ratings r
       where ${isOfPeriod(filter, 10)} and ${isOfKind}
       order by rated_at desc, request_id
       limit $8::integer offset $9::integer
     )
     select r.request_id as "requestId", r.response_id as "responseId", q.session_id as "sessionId",
       u.external_id as "externalId", q.persona_id as "personaId", coalesce(q.requested_model, q.model) as model,
       q.model as "responseModel", r.rating, r.feedback, r.rated_at as "ratedAt", q.started_at as "startedAt",
       q.total_tokens as "totalTokens", q.cost_usd as "costUsd"
     from page r
       left join lateral (
         select q.session_id, q.persona_id, q.model, q.requested_model, q.started_at, q.total_tokens, q.cost_usd
         from chaperone.requests q
         where ${isItsCall}
         limit 1
       ) q on true
       left join chaperone.users u on u.organization_id = $1::uuid and u.user_id = r.user_id
     order by r.rated_at desc, r.request_id`,
    [...valuesOf(filter), page.limit, page.offset, ...attributeValues(filter)],
  );
  return rows;
}

/** How many ratings were given in the period. Those of a user, and of calls with attributes, are few enough to count. */
export async function countRatings(db: Queryable, filter: UsageFilter): Promise<RatingTotals> {
  const { rows } = await (filter.userId === null && !filter.attributes ? sumDays(db, filter) : count(db, filter));
  const [totals] = rows;
  return totals ?? { rated: '0', positive: '0', ofAllKinds: '0' };
}

function sumDays(db: Queryable, { organizationId, firstDay, lastDay, kind, personaId, model }: UsageFilter) {
  return db.query<RatingTotals>(
    `select coalesce(sum(rated_count) filter (where ${isOfKind}), 0) as rated,
       coalesce(sum(positive_count) filter (where ${isOfKind}), 0) as positive,
       coalesce(sum(rated_count), 0) as "ofAllKinds"
     from chaperone.ratings_by_day r
     where organization_id = $1::uuid and day between $2::date and $3::date
       and ($5::uuid is null or persona_id = $5::uuid)
       and ($6::text is null or model = $6::text or requested_model = $6::text)`,
    [organizationId, firstDay, lastDay, kind, personaId, model],
  );
}

function count(db: Queryable, filter: UsageFilter) {
  return db.query<RatingTotals>(
    `select count(*) filter (where ${isOfKind}) as rated, count(*) filter (where ${isOfKind} and rating = 1) as positive,
       count(*) as "ofAllKinds"
     from chaperone.ratings r
     where ${isOfPeriod(filter, 8)}`,
    [...valuesOf(filter), ...attributeValues(filter)],
  );
}

function valuesOf({ organizationId, firstDay, lastDay, kind, userId, personaId, model }: UsageFilter) {
  return [organizationId, firstDay, lastDay, kind, userId, personaId, model];
}

const isItsCall = `
  q.organization_id = $1::uuid and q.request_id = r.request_id and q.started_at = ${startedAtOfRequest('r.request_id')}`;

/** Where the call is not stored, its kind counts as `call`: hardly anything else is rated. */
const isOfKind = `($4::text is null or coalesce(r.call_kind, 'call') = $4::text)`;

/** Of whatever kind. */
const isOfPeriod = (filter: UsageFilter, firstAttribute: number) => `
  r.organization_id = $1::uuid and r.rated_at >= $2::date::timestamp at time zone 'UTC'
    and r.rated_at < ($3::date + 1)::timestamp at time zone 'UTC' and ($5::uuid is null or r.user_id = $5::uuid)
    and ($6::uuid is null or r.persona_id = $6::uuid)
    and ($7::text is null or coalesce(r.model, r.requested_model) = $7::text or r.requested_model = $7::text)
    ${filter.attributes ? `and (select true from chaperone.requests q where ${isItsCall} and ${hasAttributes(filter, firstAttribute)} limit 1)` : ''}`;
