import { statementName } from './client.ts';
import type { Queryable } from './queryable.ts';

/** A point of a conversation: the `message_digest` of a call. */
export interface PointKey {
  readonly conversationId: string;
  readonly point: number;
}

/** What is stored of a point. */
export interface StoredPoint {
  readonly branchId: string;
  /** The `message_digest` of its first continuation. Undefined: there is none. */
  readonly first: number | undefined;
}

/** How many of a conversation's newest calls are read for a point. */
const mostCallsOfPoint = 500;

/** Reads points, in their order. Undefined for one that is not among the newest calls of its conversation. */
export async function readPoints(
  db: Queryable,
  organizationId: string,
  points: readonly PointKey[],
): Promise<(StoredPoint | undefined)[]> {
  const { rows } = await db.query<{ at: number; branchId: string | null; first: number | null }>({
    name: statementName(db, 'read-points'),
    text: `
      select k.at::integer as at, coalesce(f.branch_id, f.first_branch_id) as "branchId", f.first
      from unnest($2::uuid[], $3::bigint[]) with ordinality as k (conversation_id, point, at)
        cross join lateral (
          select (array_agg(r.branch_id) filter (where r.message_digest = k.point))[1] as branch_id,
            (array_agg(r.branch_id order by r.started_at) filter (where r.continues))[1] as first_branch_id,
            (array_agg(r.message_digest order by r.started_at) filter (where r.continues))[1]::float8 as first
          from (
            select c.branch_id, c.message_digest, c.started_at, c.parent_digest = k.point and c.status <> 'failed' as continues
            from chaperone.requests c
            where c.organization_id = $1::uuid and c.conversation_id = k.conversation_id
            order by c.started_at desc
            limit $4::integer
          ) r
        ) f`,
    values: [
      organizationId,
      points.map(({ conversationId }) => conversationId),
      points.map(({ point }) => point),
      mostCallsOfPoint,
    ],
  });
  const found = new Map(
    rows.map(({ at, branchId, first }) => [
      at,
      branchId === null ? undefined : { branchId, first: first ?? undefined },
    ]),
  );
  return points.map((_, index) => found.get(index + 1));
}

/** A conversation, with the sums of its calls. */
export interface ConversationRow {
  readonly conversationId: string;
  readonly userId: string;
  /** Null for calls without a user. */
  readonly user: string | null;
  readonly sessionId: string;
  readonly firstCallAt: Date;
  readonly lastCallAt: Date;
  readonly calls: number;
  readonly totalTokens: number;
  /** US dollars as a decimal string. Unpriced calls are not in it. */
  readonly costUsd: string;
  readonly models: readonly string[];
  /** `main` is one of them. */
  readonly branches: number;
}

export interface ConversationFilter {
  readonly userId: string | null;
  readonly sessionId: string | null;
  /** A model that answered. */
  readonly model: string | null;
  /** The last call was at or after it. ISO 8601. */
  readonly since: string | null;
  /** The last call was before it. */
  readonly until: string | null;
  readonly limit: number;
  readonly offset: number;
}

const columns = `c.conversation_id as "conversationId", c.user_id as "userId", u.external_id as "user",
  c.session_id as "sessionId", c.first_call_at as "firstCallAt", c.last_call_at as "lastCallAt",
  c.calls::float8 as calls, c.total_tokens::float8 as "totalTokens", c.cost_usd::text as "costUsd", c.models,
  1 + (select count(*)::integer from chaperone.conversation_branches b
       where b.organization_id = c.organization_id and b.conversation_id = c.conversation_id) as branches`;

const withUser = `left join chaperone.users u on u.organization_id = c.organization_id and u.user_id = c.user_id`;

/** More conversations are not counted. */
export const mostCounted = 100_000;

/** Lists a page of conversations, those with the latest calls first, and counts up to `mostCounted` of them. */
export async function listConversations(
  db: Queryable,
  organizationId: string,
  { userId, sessionId, model, since, until, limit, offset }: ConversationFilter,
): Promise<{ conversations: ConversationRow[]; total: number }> {
  const matching = `c.organization_id = $1::uuid and ($2::uuid is null or c.user_id = $2::uuid)
    and ($3::text is null or c.session_id = $3::text) and ($4::text is null or $4::text = any (c.models))
    and ($5::timestamptz is null or c.last_call_at >= $5::timestamptz)
    and ($6::timestamptz is null or c.last_call_at < $6::timestamptz)`;
  const values = [organizationId, userId, sessionId, model, since, until];
  const { rows: conversations } = await db.query<ConversationRow>(
    `select ${columns} from chaperone.conversations c ${withUser}
     where ${matching}
     order by c.last_call_at desc, c.conversation_id desc
     limit $7::integer offset $8::integer`,
    [...values, limit, offset],
  );
  const { rows } = await db.query<{ total: number }>(
    `select count(*)::integer as total
     from (select from chaperone.conversations c where ${matching} limit $7::integer) counted`,
    [...values, mostCounted],
  );
  return { conversations, total: rows[0]?.total ?? 0 };
}

export async function findConversation(
  db: Queryable,
  organizationId: string,
  conversationId: string,
): Promise<ConversationRow | undefined> {
  const { rows } = await db.query<ConversationRow>(
    `select ${columns} from chaperone.conversations c ${withUser}
     where c.organization_id = $1::uuid and c.conversation_id = $2::uuid`,
    [organizationId, conversationId],
  );
  return rows[0];
}

/** A call of a conversation. */
export interface TurnRow {
  readonly requestId: string;
  readonly startedAt: Date;
  readonly branchId: string;
  readonly messageDigest: number;
  /** Null: it continues no call. */
  readonly parentDigest: number | null;
  readonly newMessages: number;
  readonly operation: string;
  readonly status: 'completed' | 'failed' | 'cancelled' | 'interrupted';
  readonly model: string | null;
  readonly totalTokens: number | null;
}

/** Lists the newest calls of a conversation, the oldest of them first. */
export async function listTurns(
  db: Queryable,
  organizationId: string,
  conversationId: string,
  limit: number,
): Promise<TurnRow[]> {
  const { rows } = await db.query<TurnRow>(
    `select request_id as "requestId", started_at as "startedAt", branch_id as "branchId",
       message_digest::float8 as "messageDigest", parent_digest::float8 as "parentDigest",
       new_messages as "newMessages", operation, status, coalesce(model, requested_model) as model,
       total_tokens::float8 as "totalTokens"
     from chaperone.requests
     where organization_id = $1::uuid and conversation_id = $2::uuid
     order by started_at desc, request_id desc
     limit $3::integer`,
    [organizationId, conversationId, limit],
  );
  return rows.reverse();
}
