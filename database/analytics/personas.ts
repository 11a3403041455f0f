import type { Queryable } from '../queryable.ts';
import type { UsageFilter } from './filter.ts';
import { attributeValues } from './records.ts';
import {
  askedModel,
  filteredUsage,
  filterValues,
  groupedTotals,
  namedSums,
  type Page,
  type PageRow,
  sumsOfSums,
  toUsageList,
  type UsageList,
  type UsageSums,
  usageSums,
} from './usage.ts';

/** For a persona that was not used, the sums are zero and `lastRequestAt` is null. */
export interface PersonaUsage extends Omit<UsageSums, 'lastRequestAt'> {
  readonly personaId: string;
  readonly name: string;
  readonly description: string | null;
  /** External ids of the users who may use it; empty: everyone. */
  readonly users: readonly string[];
  readonly isActive: boolean;
  readonly lastRequestAt: Date | null;
  readonly models: readonly string[];
}

export interface PersonaListOptions extends Page {
  /** Includes inactive personas, and deleted ones that were used. */
  readonly includeInactive: boolean;
  /** An external user id: lists only personas that this user may use or has used. Null: all. */
  readonly visibleTo: string | null;
}

/** Reads usage by persona, the most used first. Unused personas are included. */
export async function readPersonaUsage(
  db: Queryable,
  filter: UsageFilter,
  { includeInactive, visibleTo, limit, offset }: PersonaListOptions,
): Promise<UsageList<PersonaUsage>> {
  const { rows } = await db.query<PageRow<PersonaUsage>>(
    `with part as (
       select persona_id, ${askedModel} as model, ${usageSums}
       from ${filteredUsage(filter, 13)}
       group by persona_id, 2
     ), used as (
       select persona_id, ${sumsOfSums}, coalesce(array_agg(model order by model) filter (where model <> ''), '{}') as models
       from part
       group by persona_id
     ), grouped as (
       select p.persona_id, p.name, p.description, p.users, p.is_active,
         coalesce(request_count, 0) as request_count, coalesce(completed_count, 0) as completed_count,
         coalesce(unpriced_count, 0) as unpriced_count, coalesce(input_tokens, 0) as input_tokens,
         coalesce(output_tokens, 0) as output_tokens, coalesce(total_tokens, 0) as total_tokens,
         coalesce(cost_usd, 0) as cost_usd, coalesce(duration_ms, 0) as duration_ms,
         coalesce(duration_count, 0) as duration_count, last_request_at, coalesce(models, '{}') as models,
         coalesce(cache_hit_count, 0) as cache_hit_count, coalesce(cache_miss_count, 0) as cache_miss_count,
         coalesce(unpriced_hit_count, 0) as unpriced_hit_count, coalesce(avoided_cost_usd, 0) as avoided_cost_usd,
         coalesce(cache_savings_usd, 0) as cache_savings_usd
       from chaperone.personas p
         left join used u on u.persona_id = p.persona_id
       where p.organization_id = $1::uuid and ($7::uuid is null or p.persona_id = $7::uuid)
         and (p.is_active and p.deleted_at is null
           or $9::boolean and (p.deleted_at is null or u.persona_id is not null))
         and ($10::text is null or p.users = '{}' or $10::text = any (p.users) or u.persona_id is not null)
     )
     select t.*, p.*
     from (${groupedTotals}) t
       left join (
         select persona_id as "personaId", name, description, users, is_active as "isActive", ${namedSums}, models
         from grouped
         order by request_count desc, name, persona_id
         limit $11::integer offset $12::integer
       ) p on true
     order by p."requestCount" desc, p.name, p."personaId"`,
    [...filterValues(filter, { persona: true }), includeInactive, visibleTo, limit, offset, ...attributeValues(filter)],
  );
  return toUsageList<PersonaUsage>(rows);
}
