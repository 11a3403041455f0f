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

/** What calls that asked for one model and were answered by another add up to. */
export interface AnsweredBy {
  /** As the provider named it; of calls that none answered, as it was asked for. */
  readonly model: string;
  readonly requestCount: number;
  readonly totalTokens: number;
  /** US dollars as a decimal string. */
  readonly costUsd: string;
}

export interface ModelUsage extends UsageSums {
  /** As it was asked for, else as it answered; empty where neither is known. */
  readonly model: string;
  /** The most used first. */
  readonly answeredBy: readonly AnsweredBy[];
}

/** Usage by model, the most used first. */
export async function readModelUsage(db: Queryable, filter: UsageFilter, page: Page): Promise<UsageList<ModelUsage>> {
  const { rows } = await db.query<PageRow<ModelUsage>>(
    `with part as (
       select ${askedModel} as asked, model, ${usageSums}
       from ${filteredUsage(filter, 11)}
       group by 1, model
     ), grouped as (
       select asked as model, ${sumsOfSums},
         json_agg(json_build_object('model', model, 'requestCount', request_count, 'totalTokens', total_tokens,
           'costUsd', cost_usd::text) order by request_count desc, model) as answered_by
       from part
       group by asked
     )
     select t.*, p.*
     from (${groupedTotals}) t
       left join (
         select model, ${namedSums}, answered_by as "answeredBy"
         from grouped
         order by request_count desc, model
         limit $9::integer offset $10::integer
       ) p on true
     order by p."requestCount" desc, p.model`,
    [...filterValues(filter, {}), page.limit, page.offset, ...attributeValues(filter)],
  );
  return toUsageList(rows);
}
