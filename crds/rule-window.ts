/** In which time a rule counts: in windows of fixed length, in calendar windows of UTC, or without end. */
export type RuleWindow =
  | { readonly kind: 'fixed'; readonly lengthMs: number }
  | { readonly kind: 'day' }
  /** @param startDay 1 (Monday) to 7 */
  | { readonly kind: 'week'; readonly startDay: number }
  /** @param startDay 1 to 31; in a shorter month, its last day */
  | { readonly kind: 'month'; readonly startDay: number }
  | { readonly kind: 'total' };

/** A window, in milliseconds since 1970. It includes its start and not its end. */
export interface WindowSpan {
  readonly startMs: number;
  /** Undefined: it never ends. */
  readonly endMs: number | undefined;
}

const dayMs = 86_400_000;

/** 1970-01-01 was a Thursday. */
const firstMondayMs = -3 * dayMs;

/** The window that contains a time. Windows of a kind follow each other without gaps. */
export function windowAt(window: RuleWindow, atMs: number): WindowSpan {
  switch (window.kind) {
    case 'fixed':
      return aligned(atMs, window.lengthMs, 0);
    case 'day':
      return aligned(atMs, dayMs, 0);
    case 'week':
      return aligned(atMs, 7 * dayMs, firstMondayMs + (window.startDay - 1) * dayMs);
    case 'month':
      return monthAt(atMs, window.startDay);
    case 'total':
      return { startMs: 0, endMs: undefined };
  }
}

function aligned(atMs: number, lengthMs: number, originMs: number): WindowSpan {
  const startMs = Math.floor((atMs - originMs) / lengthMs) * lengthMs + originMs;
  return { startMs, endMs: startMs + lengthMs };
}

function monthAt(atMs: number, startDay: number): WindowSpan {
  const at = new Date(atMs);
  const [year, month] = [at.getUTCFullYear(), at.getUTCMonth()];
  const thisMonthMs = startOfMonth(year, month, startDay);
  if (atMs < thisMonthMs) return { startMs: startOfMonth(year, month - 1, startDay), endMs: thisMonthMs };
  return { startMs: thisMonthMs, endMs: startOfMonth(year, month + 1, startDay) };
}

function startOfMonth(year: number, month: number, startDay: number): number {
  const lastDay = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  return Date.UTC(year, month, Math.min(startDay, lastDay));
}
