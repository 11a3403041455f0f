import type { Queryable } from '../queryable.ts';

/** What a user thinks of a turn. `contentsSealed` is sealed for `feedback.contents`; the row id is the feedback id. */
export interface FeedbackRow {
  readonly feedbackId: string;
  /** Whose session it is about. */
  readonly userId: string;
  /** Who gave it. */
  readonly ratedBy: string;
  readonly sessionId: string;
  readonly turnId: string | null;
  readonly messageId: string | null;
  readonly rating: number;
  readonly ratingType: 'thumbs' | 'stars';
  readonly category: string | null;
  readonly incorrectResponse: boolean;
  readonly tooSlow: boolean;
  readonly unhelpful: boolean;
  readonly offensive: boolean;
  readonly contentsSealed: Uint8Array | null;
  readonly createdAt: Date;
}

/** Stores feedback. @returns false where the id is taken */
export async function insertFeedback(db: Queryable, organizationId: string, feedback: FeedbackRow): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into chaperone.feedback (organization_id, feedback_id, user_id, rated_by, session_id, turn_id, message_id,
       rating, rating_type, category, incorrect_response, too_slow, unhelpful, offensive, contents_encrypted, created_at)
     values ($1::uuid, $2::bigint, $3::uuid, $4::uuid, $5::text, $6::text, $7::text, $8::smallint, $9::text, $10::text,
       $11::boolean, $12::boolean, $13::boolean, $14::boolean, $15::bytea, $16::timestamptz)
     on conflict do nothing`,
    [
      organizationId,
      feedback.feedbackId,
      feedback.userId,
      feedback.ratedBy,
      feedback.sessionId,
      feedback.turnId,
      feedback.messageId,
      feedback.rating,
      feedback.ratingType,
      feedback.category,
      feedback.incorrectResponse,
      feedback.tooSlow,
      feedback.unhelpful,
      feedback.offensive,
      feedback.contentsSealed,
      feedback.createdAt,
    ],
  );
  return rowCount === 1;
}

/** Which feedback to list. Null: all. */
export interface FeedbackFilter {
  readonly organizationId: string;
  readonly sessionId: string | null;
  readonly turnId: string | null;
  /** Whose sessions it is about. */
  readonly userId: string | null;
  readonly rating: number | null;
  readonly ratingType: string | null;
  readonly category: string | null;
  /** Only what has this mark. */
  readonly incorrectResponse: boolean | null;
  readonly tooSlow: boolean | null;
  readonly unhelpful: boolean | null;
  readonly offensive: boolean | null;
  /** First and last day, `YYYY-MM-DD` in UTC. */
  readonly firstDay: string | null;
  readonly lastDay: string | null;
}

export interface ListedFeedback extends FeedbackRow {
  /** The external id of whose session it is about; null for calls without a user. */
  readonly externalId: string | null;
}

/** Lists a page of feedback, the latest first, with the total count. */
export async function listFeedback(
  db: Queryable,
  filter: FeedbackFilter,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<{ feedback: ListedFeedback[]; total: number }> {
  const { rows: feedback } = await db.query<ListedFeedback>(
    `select f.feedback_id as "feedbackId", f.user_id as "userId", f.rated_by as "ratedBy", f.session_id as "sessionId",
       f.turn_id as "turnId", f.message_id as "messageId", f.rating, f.rating_type as "ratingType", f.category,
       f.incorrect_response as "incorrectResponse", f.too_slow as "tooSlow", f.unhelpful, f.offensive,
       f.contents_encrypted as "contentsSealed", f.created_at as "createdAt", u.external_id as "externalId"
     from chaperone.feedback f
       left join chaperone.users u on u.organization_id = $1::uuid and u.user_id = f.user_id
     where ${isSelected}
     order by f.created_at desc, f.feedback_id desc
     limit $14::integer offset $15::integer`,
    [...valuesOf(filter), limit, offset],
  );
  const { rows } = await db.query<{ total: number }>(
    `select count(*)::integer as total from chaperone.feedback f where ${isSelected}`,
    valuesOf(filter),
  );
  return { feedback, total: rows[0]?.total ?? 0 };
}

function valuesOf(filter: FeedbackFilter) {
  return [
    filter.organizationId,
    filter.sessionId,
    filter.turnId,
    filter.userId,
    filter.rating,
    filter.ratingType,
    filter.category,
    filter.incorrectResponse,
    filter.tooSlow,
    filter.unhelpful,
    filter.offensive,
    filter.firstDay,
    filter.lastDay,
  ];
}

const isSelected = `f.organization_id = $1::uuid and ($2::text is null or f.session_id = $2::text)
  and ($3::text is null or f.turn_id = $3::text) and ($4::uuid is null or f.user_id = $4::uuid)
  and ($5::smallint is null or f.rating = $5::smallint) and ($6::text is null or f.rating_type = $6::text)
  and ($7::text is null or f.category = $7::text)
  and ($8::boolean is null or f.incorrect_response = $8::boolean) and ($9::boolean is null or f.too_slow = $9::boolean)
  and ($10::boolean is null or f.unhelpful = $10::boolean) and ($11::boolean is null or f.offensive = $11::boolean)
  and ($12::date is null or f.created_at >= $12::date::timestamp at time zone 'UTC')
  and ($13::date is null or f.created_at < ($13::date + 1)::timestamp at time zone 'UTC')`;
