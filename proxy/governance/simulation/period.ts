import { SimulationMistake } from './mistake.ts';

const unitMs = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** How a caller names the two times: `--since`, or `since`. */
export interface PeriodNames {
  readonly since: string;
  readonly until: string;
}

/**
 * The period of a simulation.
 *
 * @param nowMs milliseconds since 1970, as the result
 * @throws {SimulationMistake} where a time cannot be read, or the period ends before it begins
 */
export function parsePeriod(
  { since, until }: { readonly since: string; readonly until?: string | undefined },
  nowMs: number,
  names: PeriodNames,
): { readonly sinceMs: number; readonly untilMs: number } {
  const [sinceMs, untilMs] = [
    parseTime(since, names.since, nowMs),
    until === undefined ? nowMs : parseTime(until, names.until, nowMs),
  ];
  if (sinceMs >= untilMs) {
    throw new SimulationMistake(names.since, `${names.since} ${since} is not before ${names.until} ${until ?? 'now'}`);
  }
  return { sinceMs, untilMs };
}

function parseTime(text: string, name: string, nowMs: number): number {
  const [, number, unit] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  if (unit === 'm' || unit === 'h' || unit === 'd') return nowMs - Number(number) * unitMs[unit];
  const isTime = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[-+]\d{2}:\d{2}))?$/.test(text);
  const atMs = isTime ? Date.parse(text) : Number.NaN;
  if (atMs >= 0) return atMs;
  throw new SimulationMistake(name, `${name} must be such as 7d, 12h, 30m or 2027-01-31T12:00:00Z, not "${text}"`);
}
