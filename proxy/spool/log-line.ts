/**
 * A line of the spool's log: a letter, an id or several, and a record as JSON.
 *
 * - `I 7 {…}` the intent of call 7
 * - `S 7 {…}` what became of call 7
 * - `P 7 {…}` call 7 goes on at the provider after its answer
 * - `F 8 {…}` what became of such a call
 * - `R 9 {…}` a rating
 * - `O 10 {…}` whose something is that is kept at the provider
 * - `A 7,8` these have reached Postgres
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

/** What stands before the record in its line. */
export function formatHead(kind: LogLine['kind'], ids: readonly number[]): string {
  return `${letters[kind]} ${ids.join(',')} `;
}

/** @returns undefined for a line that no version of ours has written */
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
