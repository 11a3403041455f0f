import type { Queryable } from '../queryable.ts';
import {
  filteredUsage,
  filterValues,
  groupedTotals,
  namedSums,
  type Page,
  type PageRow,
  toUsageList,
  type UsageFilter,
  type UsageList,
  type UsageSums,
  usageSums,
} from './usage.ts';

export interface ModelUsage extends UsageSums {
  /** The model that answered, else the requested one. Empty where neither is known. */
  readonly model: string;
}

/** Usage by model, the most used first. */
export async function readModelUsage(db: Queryable, filter: UsageFilter, page: Page): Promise<UsageList<ModelUsage>> {
  const { rows } = await db.query<PageRow<ModelUsage>>(
    `with grouped as (
       select model, ${usageSums}
       from ${filteredUsage}
       group by model
     )
     select t.*, p.*
     from (${groupedTotals}) t
       left join (
         select model, ${namedSums}
         from grouped
         order by request_count desc, model
         limit $9::integer offset $10::integer
       ) p on true
     order by p."requestCount" desc, p.model`,
    [...filterValues(filter, {}), page.limit, page.offset],
  );
  return toUsageList(rows);
}
