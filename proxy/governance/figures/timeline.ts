import { readDays, readHours, type TimelineRow } from '../../../database/analytics/timeline.ts';
import type { Caller } from '../../calls/call.ts';
import { ProxyError } from '../../error.ts';
import type { GovernanceContext } from '../context.ts';
import type { Period } from './period.ts';
import { type Question, select } from './question.ts';
import { readFigures } from './read.ts';

export type { TimelineRow };

/** How many days may be asked for by hour: the records are read for it. */
export const maxHourlyDays = 3;
/** And by day. */
export const maxDays = 400;

export type Interval = 'hour' | 'day';

/** The calls of a period, one point for each hour or day of it. */
export interface Timeline {
  /** In order, up to now. Undefined rows: there were no calls. */
  readonly points: readonly { readonly start: string; readonly row: TimelineRow | undefined }[];
  readonly period: Period;
  readonly filteredByUser: string | null;
}

const stepMs = { hour: 3_600_000, day: 86_400_000 } as const;

/**
 * Reads usage over time.
 *
 * @throws {ProxyError} `invalid_request` for a period that is too long, `role_required`, `records_pending`,
 * `store_unavailable`
 */
export async function readTimeline(
  context: Pick<GovernanceContext, 'inForce' | 'shipped' | 'store'>,
  caller: Caller,
  question: Question,
  interval: Interval,
): Promise<Timeline> {
  const { filter, filteredByUser } = select(context, caller, question);
  requireShort(filter, interval);
  const rows = await readFigures(context, (db) => (interval === 'hour' ? readHours : readDays)(db, filter));
  const byStart = new Map(rows.map((row) => [row.start, row]));
  const points = startsOf(filter, interval, Date.now()).map((start) => ({ start, row: byStart.get(start) }));
  return { points, period: filter, filteredByUser };
}

function requireShort({ firstDay, lastDay }: Period, interval: Interval): void {
  const most = interval === 'hour' ? maxHourlyDays : maxDays;
  if (Date.parse(lastDay) - Date.parse(firstDay) < most * stepMs.day) return;
  const message = `The period must have ${most} days at most, by ${interval}`;
  throw new ProxyError('invalid_request', { param: 'start_date', message });
}

/** The hours or days that have begun. */
function startsOf({ firstDay, lastDay }: Period, interval: Interval, nowMs: number): string[] {
  const step = stepMs[interval];
  const endMs = Math.min(Date.parse(lastDay) + stepMs.day, Math.floor(nowMs / step) * step + step);
  const count = Math.max(0, Math.ceil((endMs - Date.parse(firstDay)) / step));
  return Array.from({ length: count }, (_, index) =>
    new Date(Date.parse(firstDay) + index * step).toISOString().replace('.000', ''),
  );
}
