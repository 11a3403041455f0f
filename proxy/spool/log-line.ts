/**
 * A line of the spool's log: a letter, one or more ids, and a record as JSON.
 *
 * - `I 7 {…}` the intent of call 7
 * - `S 7 {…}` the settlement of call 7
 * - `P 7 {…}` call 7 is pending: the provider works on it after its answer
 * - `F 8 {…}` the settlement of a pending call
 * - `R 9 {…}` a rating
 * - `O 10 {…}` the owner of a resource stored at the provider
 * - `A 7,8` rows 7 and 8 have arrived in Postgres
 */
export interface LogLine {
  readonly kind: keyof typeof letters;
  readonly ids: readonly number[];
  /** JSON; empty for arrivals. */
  readonly record: string;
}

const letters = {
  intent: 'I',
  settlement: 'S',
  deferral: 'P',
  'late settlement': 'F',
  rating: 'R',
  ownership: 'O',
  arrival: 'A',
} as const;
const kinds = {
  I: 'intent',
  S: 'settlement',
  P: 'deferral',
  F: 'late settlement',
  R: 'rating',
  O: 'ownership',
  A: 'arrival',
} as const;

/** Formats the part of a line before the record. */
export function formatHead(kind: LogLine['kind'], ids: readonly number[]): string {
  return `${letters[kind]} ${ids.join(',')} `;
}

/** @returns undefined for a line that no version of the proxy has written */
export function parseLine(line: string): LogLine | undefined {
  const match = /^([ISPFROA]) (\d+(?:,\d+)*) /.exec(line);
  if (!match) return undefined;
  const [prefix, letter = '', ids = ''] = match;
  return {
    kind: kinds[letter as keyof typeof kinds],
    ids: ids.split(',').map(Number),
    record: line.slice(prefix.length),
  };
}
