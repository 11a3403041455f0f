import { nobody } from '../ids.ts';
import type { Queryable } from '../queryable.ts';
import type { UsageFilter } from './filter.ts';
import { attributeValues } from './records.ts';
import { filteredUsage, filterValues, usageSums } from './usage.ts';

/** Calls that a filter selects but for their kind. */
export interface SelectedUsage {
  readonly kind: 'call' | 'analysis';
  readonly hasPersona: boolean;
  readonly requestCount: string;
  readonly unpricedCount: string;
  readonly costUsd: string;
}

/** What a filter selects of both kinds, with a persona and without: an answer leaves out what is not in it of these. */
export async function readSelectedUsage(db: Queryable, filter: UsageFilter): Promise<SelectedUsage[]> {
  const { rows } = await db.query<SelectedUsage>(
    `select kind, has_persona as "hasPersona", request_count as "requestCount", unpriced_count as "unpricedCount",
       cost_usd as "costUsd"
     from (
       select kind, persona_id <> $9::uuid as has_persona, ${usageSums}
       from ${filteredUsage(filter, 10)}
       group by kind, 2
     ) grouped`,
    [...filterValues({ ...filter, kind: null }, { persona: true }), nobody, ...attributeValues(filter)],
  );
  return rows;
}
