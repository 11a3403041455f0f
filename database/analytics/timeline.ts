import type { Queryable } from '../queryable.ts';
import type { UsageFilter } from './filter.ts';
import { attributeValues, recordsAsUsage } from './records.ts';
import { filteredDays, filterValues, namedSums, type UsageSums, usageSums } from './usage.ts';

/** The calls of an hour or of a day. */
export interface TimelineRow extends UsageSums {
  /** The beginning, ISO 8601 in UTC. */
  readonly start: string;
  /** Of the calls whose duration is known. Null for days, of which only sums are kept. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
}

/** Adds usage up by hour, from the records themselves. Hours without calls are left out. */
export async function readHours(db: Queryable, filter: UsageFilter): Promise<TimelineRow[]> {
  const { rows } = await db.query<TimelineRow>(
    `select to_char(hour, 'YYYY-MM-DD"T"HH24:00:00"Z"') as start, ${namedSums}, p50 as "p50Ms", p95 as "p95Ms"
     from (
       select date_trunc('hour', last_request_at at time zone 'UTC') as hour, ${usageSums},
         percentile_cont(0.5) within group (order by duration_ms) filter (where duration_count = 1) as p50,
         percentile_cont(0.95) within group (order by duration_ms) filter (where duration_count = 1) as p95
       from ${recordsAsUsage(filter, 9)}
       group by 1
     ) hours
     order by hour`,
    [...filterValues(filter, {}), ...attributeValues(filter)],
  );
  return rows;
}

/** Adds usage up by day. Days without calls are left out. */
export async function readDays(db: Queryable, filter: UsageFilter): Promise<TimelineRow[]> {
  const { rows } = await db.query<TimelineRow>(
    `select to_char(day, 'YYYY-MM-DD"T00:00:00Z"') as start, ${namedSums}, null::float8 as "p50Ms", null::float8 as "p95Ms"
     from (select day, ${usageSums} from ${filteredDays(filter, 9)} group by day) days
     order by day`,
    [...filterValues(filter, {}), ...attributeValues(filter)],
  );
  return rows;
}
