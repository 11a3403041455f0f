import { statementName } from '../client.ts';
import type { Queryable } from '../queryable.ts';
import { serviceOfRequest } from './service-of.ts';
import { isOfSession, type SessionFilter, valuesOf } from './sessions.ts';

/** As the header X-Optimization-Level says it. */
export type Level = 'quality' | 'balanced' | 'speed';

/** A cost of a service that was called elsewhere. Decimal numbers are text. */
export interface CostEntryRow {
  /** A UUID. An entry that is sent again is not recorded again. */
  readonly entryId: string;
  readonly userId: string;
  readonly sessionId: string;
  readonly turnId: string | null;
  readonly service: string;
  readonly provider: string;
  readonly operation: string | null;
  readonly units: string | null;
  readonly unitType: string | null;
  /** US dollars. Of a cached operation: what it would have cost. */
  readonly costUsd: string;
  /** Null: nobody says whether a cache was asked. */
  readonly isCached: boolean | null;
  readonly optimizationLevel: Level | null;
  readonly occurredAt: Date;
}

/** Records a cost, unless the entry is known. @returns the entry as it is recorded */
export async function recordCost(db: Queryable, organizationId: string, entry: CostEntryRow): Promise<CostEntryRow> {
  const { rows } = await db.query<CostEntryRow>(
    `with recorded as (
       insert into chaperone.session_costs (organization_id, entry_id, user_id, session_id, turn_id, service, provider,
         operation, units, unit_type, cost_usd, is_cached, optimization_level, occurred_at)
       values ($1::uuid, $2::uuid, $3::uuid, $4::text, $5::text, $6::text, $7::text, $8::text, $9::numeric, $10::text,
         $11::numeric, $12::boolean, $13::text, $14::timestamptz)
       on conflict do nothing
       returning ${columns}
     )
     select * from recorded
     union all
     select ${columns} from chaperone.session_costs where organization_id = $1::uuid and entry_id = $2::uuid
     limit 1`,
    [
      organizationId,
      entry.entryId,
      entry.userId,
      entry.sessionId,
      entry.turnId,
      entry.service,
      entry.provider,
      entry.operation,
      entry.units,
      entry.unitType,
      entry.costUsd,
      entry.isCached,
      entry.optimizationLevel,
      entry.occurredAt,
    ],
  );
  return rows[0] ?? entry;
}

const columns = `entry_id as "entryId", user_id as "userId", session_id as "sessionId", turn_id as "turnId", service,
  provider, operation, units, unit_type as "unitType", cost_usd as "costUsd", is_cached as "isCached",
  optimization_level as "optimizationLevel", occurred_at as "occurredAt"`;

/** What a session has cost. Counts and decimal numbers are text; money is in US dollars. */
export interface SessionCosts {
  readonly costUsd: string;
  readonly byService: readonly CostPart[];
  readonly byProvider: readonly CostPart[];
  /** Calls and posted costs. */
  readonly partCount: string;
  /** Those of them whose price is known. */
  readonly entryCount: string;
  /** Calls whose price is not known. */
  readonly unpricedCount: string;
  /** Half of what cached operations would have cost. */
  readonly savingsUsd: string;
  /** The last one that was stated. */
  readonly optimizationLevel: Level | null;
}

export interface CostPart {
  /** Of the service, or of the provider. */
  readonly name: string;
  readonly costUsd: string;
}

/** Sums what a session has cost, by service and by provider. */
export async function readSessionCosts(db: Queryable, filter: SessionFilter): Promise<SessionCosts> {
  const { rows } = await db.query<CostPart & SessionCosts & { by: 'service' | 'provider' | 'nothing' }>({
    // Prepared once for each connection: over many partitions, planning takes longer than reading.
    name: statementName(db, 'session-costs'),
    text: `with entry as materialized (
       select ${serviceOfRequest} as service, provider, cost_usd, cache_savings_usd as savings_usd, optimization_level,
         started_at as at, ${isUnpriced} as is_unpriced
       from chaperone.requests
       where ${isOfSession} and kind = 'call'
       union all
       select service, provider, case when is_cached then 0 else cost_usd end, case when is_cached then cost_usd / 2 end,
         optimization_level, occurred_at, false
       from chaperone.session_costs
       where ${isOfSession}
     ), pair as (
       -- By few pairs first: by each of several groupings, PostgreSQL would sort all entries.
       select service, provider, count(*) as parts, count(cost_usd) as entries, count(*) filter (where is_unpriced) as unpriced,
         sum(cost_usd) as cost_usd, sum(savings_usd) as savings_usd
       from entry
       group by service, provider
     )
     select case grouping(service, provider) when 1 then 'service' when 2 then 'provider' else 'nothing' end as by,
       coalesce(service, provider) as name, coalesce(sum(parts), 0) as "partCount", coalesce(sum(entries), 0) as "entryCount",
       coalesce(sum(unpriced), 0) as "unpricedCount", coalesce(sum(cost_usd), 0) as "costUsd",
       coalesce(sum(savings_usd), 0) as "savingsUsd",
       (select optimization_level from entry where optimization_level is not null order by at desc limit 1)
         as "optimizationLevel"
     from pair
     group by grouping sets ((), (service), (provider))
     order by name`,
    values: valuesOf(filter),
  });
  const total = rows.find(({ by }) => by === 'nothing');
  return {
    costUsd: total?.costUsd ?? '0',
    byService: rows.filter(({ by }) => by === 'service'),
    byProvider: rows.filter(({ by }) => by === 'provider'),
    partCount: total?.partCount ?? '0',
    entryCount: total?.entryCount ?? '0',
    unpricedCount: total?.unpricedCount ?? '0',
    savingsUsd: total?.savingsUsd ?? '0',
    optimizationLevel: total?.optimizationLevel ?? null,
  };
}

/** As the sums of analytics count it (functions/fold_some_usage_of.sql). */
const isUnpriced = `(cost_usd is null and (status = 'completed' and operation <> 'moderations'
  or coalesce(total_tokens, images, audio_seconds, characters) is not null))`;
