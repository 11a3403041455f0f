import { ProxyError } from '../../error.ts';

/** Whole days in UTC, `YYYY-MM-DD`, both included. */
export interface Period {
  readonly firstDay: string;
  readonly lastDay: string;
}

const dayMs = 86_400_000;
const defaultDays = 30;
/** PostgreSQL knows no year 0. */
const firstOfAll = '0001-01-01';

/**
 * The period that a question is about: what is not said ends today and has 30 days.
 *
 * @param startDate a day, or a time of which the day in UTC counts
 * @throws {ProxyError} `invalid_request` for what is no date, and for an end before the start
 */
export function readPeriod(startDate: string | undefined, endDate: string | undefined, nowMs: number): Period {
  const last = endDate === undefined ? toDay(nowMs) : readDay('end_date', endDate);
  const first = startDate === undefined ? firstDayUntil(last) : readDay('start_date', startDate);
  if (first > last) {
    const until = endDate === undefined ? 'today, which is the end where end_date is absent' : 'end_date';
    const message = `start_date must not be after ${until}`;
    throw new ProxyError('invalid_request', { param: 'start_date', message, details: { expected: 'date' } });
  }
  return { firstDay: first, lastDay: last };
}

function firstDayUntil(last: string): string {
  const first = toDay(Date.parse(last) - (defaultDays - 1) * dayMs);
  return first < firstOfAll ? firstOfAll : first;
}

/** RFC 3339, section 5.6, with the time left out or of any precision. */
const date = /^(\d{4}-\d{2}-\d{2})(?:[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})?)?$/;

function readDay(param: string, text: string): string {
  const [, day = '', zone] = date.exec(text) ?? [];
  // Date.parse makes the 1st of March of the 30th of February.
  const exists = day !== '' && toDay(Date.parse(day)) === day;
  const timeMs = text.length === day.length || zone !== undefined ? Date.parse(text) : Date.parse(`${text}Z`);
  // With its zone it may be in another year than it says, and one of five digits sorts before all others.
  const dayInUtc = toDay(timeMs);
  if (exists && dayInUtc >= firstOfAll) return dayInUtc;
  const message = `${param} must be a date such as 2026-06-01`;
  throw new ProxyError('invalid_request', { param, message, details: { expected: 'date' } });
}

/** Empty where it is no time at all. */
function toDay(ms: number): string {
  return Number.isNaN(ms) ? '' : new Date(ms).toISOString().slice(0, 10);
}
