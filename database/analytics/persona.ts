import type { Queryable } from '../queryable.ts';
import type { UsageFilter } from './filter.ts';
import { attributeValues } from './records.ts';
import {
  askedModel,
  filteredDays,
  filteredUsage,
  filterValues,
  namedSums,
  type UsageSums,
  usageSums,
} from './usage.ts';

/** Sums of one day or of one model. Where both are null: of everything. */
export interface UsageBreakdown extends UsageSums {
  readonly day: string | null;
  readonly model: string | null;
  readonly failedCount: string;
  readonly cancelledCount: string;
  readonly interruptedCount: string;
}

/** Reads usage in total, by day and by model, one row each. Days are in order; the most used model comes first. */
export async function readUsageBreakdown(db: Queryable, filter: UsageFilter): Promise<UsageBreakdown[]> {
  const { rows } = await db.query<UsageBreakdown>(
    `select to_char(day, 'YYYY-MM-DD') as day, model, ${namedSums}, failed_count as "failedCount",
       cancelled_count as "cancelledCount", interrupted_count as "interruptedCount"
     from (
       select day, ${askedModel} as model, ${usageSums}, sum(failed_count) as failed_count, sum(cancelled_count) as cancelled_count,
         sum(interrupted_count) as interrupted_count
       from ${filteredDays(filter, 9)}
       group by grouping sets ((day), (2), ())
     ) grouped
     where request_count is not null
     order by day, request_count desc, model`,
    [...filterValues(filter, {}), ...attributeValues(filter)],
  );
  return rows;
}

export interface TopUser {
  /** Null for calls without a user. */
  readonly externalId: string | null;
  readonly requestCount: string;
  readonly totalTokens: string;
  readonly costUsd: string;
}

/** The users with the most calls. */
export async function readTopUsers(db: Queryable, filter: UsageFilter, limit: number): Promise<TopUser[]> {
  const { rows } = await db.query<TopUser>(
    `select u.external_id as "externalId", request_count as "requestCount", total_tokens as "totalTokens",
       cost_usd as "costUsd"
     from (
       select user_id, sum(completed_count + failed_count + cancelled_count + interrupted_count) as request_count,
         sum(total_tokens) as total_tokens, sum(cost_usd) as cost_usd
       from ${filteredUsage(filter, 10)}
       group by user_id
     ) g
       left join chaperone.users u on u.organization_id = $1::uuid and u.user_id = g.user_id
     order by request_count desc, external_id
     limit $9::integer`,
    [...filterValues(filter, { user: true }), limit, ...attributeValues(filter)],
  );
  return rows;
}

/** The facts about a persona that analytics show. Deleted personas have them, too. */
export interface PersonaFacts {
  readonly personaId: string;
  readonly name: string;
  readonly description: string | null;
  /** External ids of the users who may use it; empty: everyone. */
  readonly users: readonly string[];
  readonly isActive: boolean;
}

export async function findPersonaFacts(
  db: Queryable,
  organizationId: string,
  personaId: string,
): Promise<PersonaFacts | undefined> {
  const { rows } = await db.query<PersonaFacts>(
    `select persona_id as "personaId", name, description, users, is_active as "isActive"
     from chaperone.personas
     where organization_id = $1::uuid and persona_id = $2::uuid`,
    [organizationId, personaId],
  );
  return rows[0];
}
