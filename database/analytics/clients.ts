import type { Queryable } from '../queryable.ts';
import type { UsageFilter } from './filter.ts';
import { attributeValues, recordsAsUsage } from './records.ts';
import {
  filterValues,
  groupedTotals,
  namedSums,
  type Page,
  type PageRow,
  toUsageList,
  type UsageList,
  type UsageSums,
  usageSums,
} from './usage.ts';

export interface ClientUsage extends UsageSums {
  /** Null for calls that do not say which program made them. */
  readonly client: string | null;
  readonly version: string | null;
}

/** Usage by the program that called, from the records, the most used first. */
export async function readClientUsage(db: Queryable, filter: UsageFilter, page: Page): Promise<UsageList<ClientUsage>> {
  const { rows } = await db.query<PageRow<ClientUsage>>(
    `with grouped as (
       select client_name, client_version, ${usageSums}
       from ${recordsAsUsage(filter, 11)}
       group by client_name, client_version
     )
     select t.*, p.*
     from (${groupedTotals}) t
       left join (
         select client_name as client, client_version as version, ${namedSums}
         from grouped
         order by request_count desc, client_name, client_version
         limit $9::integer offset $10::integer
       ) p on true
     order by p."requestCount" desc, p.client, p.version`,
    [...filterValues(filter, {}), page.limit, page.offset, ...attributeValues(filter)],
  );
  return toUsageList<ClientUsage>(rows);
}
