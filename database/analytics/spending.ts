import type { Queryable } from '../queryable.ts';

/** What spending can be told apart by. */
export const spendingGroups = [
  'organization',
  'model',
  'user',
  'persona',
  'namespace',
  'workload',
  'provider',
  'client',
  'day',
] as const;

export type SpendingGroup = (typeof spendingGroups)[number];

/** Which calls count. */
export interface SpendingFilter {
  /** By name; null: every one. */
  readonly organization: string | null;
  /** First and last day of the period, `YYYY-MM-DD` in UTC. */
  readonly firstDay: string;
  readonly lastDay: string;
  /** Null: both kinds. */
  readonly kind: 'call' | 'analysis' | null;
}

/** What calls add up to: integers and decimals from Postgres, as text, so they are exact. */
export interface Spending {
  readonly requestCount: string;
  readonly completedCount: string;
  /** Of calls that are billed, but for which no usage or no price is known: they are not in the cost. */
  readonly unpricedCount: string;
  /** Of calls that analyses made. */
  readonly analysisCount: string;
  readonly analysisCostUsd: string;
  readonly inputTokens: string;
  readonly outputTokens: string;
  readonly costUsd: string;
  /** Of calls that the cache has answered. */
  readonly cacheHitCount: string;
  /** What providers would have billed for them, as far as prices are known. */
  readonly avoidedCostUsd: string;
}

export interface SpendingOfGroup extends Spending {
  /** Empty for calls of which nothing is known in this respect; null for the sum of all groups. */
  readonly name: string | null;
}

/**
 * What was spent, by the records themselves, so that it holds what no sum tells apart, and needs no fold. The last row is
 * the sum of all. For the owner of the database: a tenant's login sees its own organization alone.
 */
export async function readSpending(
  db: Queryable,
  by: SpendingGroup,
  { organization, firstDay, lastDay, kind }: SpendingFilter,
): Promise<SpendingOfGroup[]> {
  const { rows } = await db.query<SpendingOfGroup>(
    `with fact as (
       select r.*, case $1::text
         when 'organization' then o.name
         when 'model' then coalesce(r.requested_model, r.model)
         when 'user' then u.external_id
         when 'persona' then p.name
         when 'namespace' then r.namespace
         when 'workload' then r.namespace || '/' || r.workload
         when 'provider' then r.provider
         when 'client' then r.client_name
         when 'day' then to_char(r.started_at at time zone 'UTC', 'YYYY-MM-DD')
       end as name,
       r.cost_usd is null and (r.status = 'completed' and r.operation <> 'moderations'
         or coalesce(r.total_tokens, r.images, r.audio_seconds, r.characters) is not null) as is_unpriced
       from chaperone.requests r
         join chaperone.organizations o using (organization_id)
         left join chaperone.users u on $1::text = 'user' and u.organization_id = r.organization_id and u.user_id = r.user_id
         left join chaperone.personas p
           on $1::text = 'persona' and p.organization_id = r.organization_id and p.persona_id = r.persona_id
       where ($2::text is null or o.name = $2::text) and ($5::text is null or r.kind = $5::text)
         and r.started_at >= $3::date::timestamp at time zone 'UTC'
         and r.started_at < ($4::date + 1)::timestamp at time zone 'UTC'
     )
     select case when grouping(coalesce(name, '')) = 0 then coalesce(name, '') end as name, count(*) as "requestCount",
       count(*) filter (where status = 'completed') as "completedCount",
       count(*) filter (where is_unpriced) as "unpricedCount", count(*) filter (where kind = 'analysis') as "analysisCount",
       coalesce(sum(cost_usd) filter (where kind = 'analysis'), 0) as "analysisCostUsd",
       coalesce(sum(input_tokens), 0) as "inputTokens", coalesce(sum(output_tokens), 0) as "outputTokens",
       coalesce(sum(cost_usd), 0) as "costUsd", count(*) filter (where cache_status = 'hit') as "cacheHitCount",
       coalesce(sum(avoided_cost_usd), 0) as "avoidedCostUsd"
     from fact
     group by grouping sets ((coalesce(name, '')), ())
     order by grouping(coalesce(name, '')), case when $1::text = 'day' then coalesce(name, '') end,
       sum(cost_usd) desc nulls last, count(*) desc, 1`,
    [by, organization, firstDay, lastDay, kind],
  );
  return rows;
}
