// How figures and times are written. One place, so that the same thing looks the same on every page.

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });
const none = '–';

export function count(value: number | null | undefined): string {
  return value == null ? none : whole.format(value);
}

/** For places with little room: 12.3K. */
export function shortCount(value: number | null | undefined): string {
  if (value == null) return none;
  return Math.abs(value) < 10_000 ? whole.format(value) : short.format(value);
}

/** US dollars, with as many decimals as the amount needs to be told from nothing. */
export function money(value: number | null | undefined): string {
  if (value == null) return none;
  const size = Math.abs(value);
  const digits = size === 0 || size >= 1 ? 2 : size >= 0.01 ? 4 : 6;
  const least = 10 ** -digits;
  if (size > 0 && size < least / 2) return `<$${least.toFixed(digits)}`;
  const text = new Intl.NumberFormat('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${value < 0 ? '−' : ''}$${text.format(size)}`;
}

/** US dollars in a column: always as many decimals, so that amounts can be compared at a glance. */
export function cost(value: number | null | undefined): string {
  if (value == null) return none;
  if (value > 0 && value < 0.00005) return '<$0.0001';
  return `$${new Intl.NumberFormat('en-US', { minimumFractionDigits: 4, maximumFractionDigits: 4 }).format(value)}`;
}

/** US dollars along an axis, without zeros that say nothing. */
export function tick(value: number): string {
  return `$${new Intl.NumberFormat('en-US', { maximumSignificantDigits: 3 }).format(value)}`;
}

/** `420 ms`, `1.84 s`, `2 min 5 s`. */
export function duration(ms: number | null | undefined): string {
  if (ms == null) return none;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
  if (ms < 86_400_000) return `${Math.floor(ms / 3_600_000)} h ${Math.floor((ms % 3_600_000) / 60_000)} min`;
  return `${Math.floor(ms / 86_400_000)} d ${Math.floor((ms % 86_400_000) / 3_600_000)} h`;
}

export function seconds(value: number | null | undefined): string {
  return value == null ? none : duration(value * 1_000);
}

export function percent(value: number | null | undefined): string {
  if (value == null) return none;
  return `${value > 0 && value < 10 ? value.toFixed(1) : Math.round(value)} %`;
}

/** How much more or less it is. Undefined where there is nothing to compare with. */
export function change(now: number, before: number): string | undefined {
  if (before === 0) return undefined;
  const by = Math.round(((now - before) / before) * 100);
  if (by === 0) return '±0 %';
  return by > 999 ? `×${short.format(now / before)}` : `${by > 0 ? '+' : '−'}${Math.abs(by)} %`;
}

export function bytes(value: number): string {
  if (value < 1_000) return `${value} B`;
  return value < 1_000_000 ? `${(value / 1_000).toFixed(1)} kB` : `${(value / 1_000_000).toFixed(1)} MB`;
}

const timeOfDay = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const dayAndTime = new Intl.DateTimeFormat('en-GB', {
  ...{ day: '2-digit', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit' },
});
const dayOnly = new Intl.DateTimeFormat('en-GB', { day: '2-digit', month: 'short', year: 'numeric' });

/** The time of today, else with the day, in the zone of the reader. */
export function time(at: string | null | undefined, nowMs = Date.now()): string {
  if (at == null) return none;
  const date = new Date(at);
  const isToday = new Date(nowMs).toDateString() === date.toDateString();
  return (isToday ? timeOfDay : dayAndTime).format(date).replace(',', '');
}

export function day(at: string | null | undefined): string {
  return at == null ? none : dayOnly.format(new Date(at));
}

/** For the tip of an element: the moment in UTC, to be copied. */
export function exact(at: string | null | undefined): string {
  return at == null ? '' : new Date(at).toISOString();
}

/** `in 3 h`, `5 min ago`. */
export function relative(at: string | null | undefined, nowMs = Date.now()): string {
  if (at == null) return none;
  const ms = Date.parse(at) - nowMs;
  const size = Math.abs(ms);
  if (size < 5_000) return 'now';
  const text = roughly(size);
  return ms > 0 ? `in ${text}` : `${text} ago`;
}

function roughly(ms: number): string {
  if (ms < 60_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 48 * 3_600_000) return `${Math.round(ms / 3_600_000)} h`;
  return `${Math.round(ms / 86_400_000)} days`;
}

/** A day in UTC, as the API takes it. */
export function utcDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

export { none };
