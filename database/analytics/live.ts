import type { Queryable } from '../queryable.ts';

/** What is told apart. `total`: nothing. */
export const liveGroups = ['total', 'organization', 'workload', 'model'] as const;
export type LiveGroup = (typeof liveGroups)[number];

/** The calls that have ended in a window, of one group. */
export interface LiveRow {
  readonly by: LiveGroup;
  /** Empty for calls of which nothing is known in this respect. */
  readonly name: string;
  readonly calls: number;
  readonly failed: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly costUsd: number;
  /** Null where no call has a duration. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
}

/** Calls that take longer than this count only if they began within the window. */
const longestS = 120;

/**
 * Adds up the calls that have ended in the last seconds, by the records themselves. For the owner of the database.
 *
 * @param organization by name; null: every one
 */
export async function readLive(db: Queryable, organization: string | null, windowS: number): Promise<LiveRow[]> {
  const { rows } = await db.query<LiveRow>(
    `with fact as (
       select o.name as organization, coalesce(r.namespace || '/' || r.workload, '') as workload,
         coalesce(r.requested_model, r.model, '') as model, r.status <> 'completed' as is_failed,
         coalesce(r.input_tokens, 0) as input_tokens, coalesce(r.output_tokens, 0) as output_tokens,
         coalesce(r.cost_usd, 0) as cost_usd, r.duration_ms
       from chaperone.organizations o
         join chaperone.requests r using (organization_id)
       where ($1::text is null or o.name = $1::text)
         and r.started_at > statement_timestamp() - make_interval(secs => $2::float8 + $3::float8)
         and r.started_at + coalesce(r.duration_ms, 0) * interval '1 millisecond'
           > statement_timestamp() - make_interval(secs => $2::float8)
     )
     select g.by, g.name, count(*)::float8 as calls, count(*) filter (where is_failed)::float8 as failed,
       sum(input_tokens)::float8 as "inputTokens", sum(output_tokens)::float8 as "outputTokens",
       sum(cost_usd)::float8 as "costUsd",
       percentile_cont(0.5) within group (order by duration_ms) as "p50Ms",
       percentile_cont(0.95) within group (order by duration_ms) as "p95Ms"
     from fact,
       lateral (values ('total', ''), ('organization', organization), ('workload', workload), ('model', model))
         as g (by, name)
     group by g.by, g.name
     order by calls desc, g.name`,
    [organization, windowS, longestS],
  );
  return rows;
}
