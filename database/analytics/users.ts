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

export interface UserUsage extends UsageSums {
  /** Null for calls without a user. */
  readonly externalId: string | null;
  readonly models: readonly string[];
}

/** Usage by user, the most active first. */
export async function readUserUsage(db: Queryable, filter: UsageFilter, page: Page): Promise<UsageList<UserUsage>> {
  const { rows } = await db.query<PageRow<UserUsage>>(
    `with part as (
       select user_id, ${askedModel} as model, ${usageSums}
       from ${filteredUsage(filter, 11)}
       group by user_id, 2
     ), grouped as (
       select user_id, ${sumsOfSums}, coalesce(array_agg(model order by model) filter (where model <> ''), '{}') as models
       from part
       group by user_id
     )
     select t.*, p.*
     from (${groupedTotals}) t
       left join (
         select u.external_id as "externalId", ${namedSums}, models
         from grouped g
           left join chaperone.users u on u.organization_id = $1::uuid and u.user_id = g.user_id
         order by request_count desc, external_id
         limit $9::integer offset $10::integer
       ) p on true
     order by p."requestCount" desc, p."externalId"`,
    [...filterValues(filter, { user: true }), page.limit, page.offset, ...attributeValues(filter)],
  );
  return toUsageList(rows);
}
