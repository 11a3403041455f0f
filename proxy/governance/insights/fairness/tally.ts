import { ProxyError } from '../../../error.ts';
import { addTo, type Moments, noMoments } from './moments.ts';

/** What is asked of a dataset. */
export interface FairnessQuestion {
  readonly attributes: readonly string[];
  readonly outcomes: readonly string[];
  /** Whether groups by all attributes together are compared, too. */
  readonly intersections: boolean;
}

export type Row = Readonly<Record<string, unknown>>;

/** The groups of one attribute, or of all together. */
export interface GroupTally {
  /** The attribute, or several with ` & `. */
  readonly attribute: string;
  /** By the group and the outcome's place. */
  readonly groups: ReadonlyMap<string, readonly Moments[]>;
  /** Rows that have no value of the attribute. */
  readonly missing: number;
}

export interface Tally {
  readonly rows: number;
  readonly attributes: readonly GroupTally[];
  /** Which outcomes are true or false, or 0 or 1, in all rows. */
  readonly isShare: readonly boolean[];
}

/** So many groups of an attribute can be told apart. More are no groups, but names. */
const mostGroups = 1_000;
const longestGroup = 200;
const together = ' & ';

/** Adds up rows, one after the other, so that memory depends on groups and not on rows. */
export function makeTally({ attributes, outcomes, intersections }: FairnessQuestion) {
  const sets = [...attributes.map((one) => [one]), ...(intersections && attributes.length > 1 ? [attributes] : [])];
  const tallies = sets.map((names) => ({
    names,
    attribute: names.join(together),
    groups: new Map<string, Moments[]>(),
    missing: 0,
  }));
  const isShare = outcomes.map(() => true);
  let rows = 0;

  const groupOf = (tally: (typeof tallies)[number], row: Row): Moments[] | undefined => {
    const values = tally.names.map((name) => readGroup(row[name], name, rows));
    if (values.some((value) => value === undefined)) return undefined;
    const group = values.join(together);
    const known = tally.groups.get(group);
    if (known) return known;
    if (tally.groups.size >= mostGroups) throw tooManyGroups(tally.attribute);
    const made = outcomes.map(noMoments);
    tally.groups.set(group, made);
    return made;
  };

  return {
    /** @throws {ProxyError} `invalid_request` where a value is neither a number nor true or false, or groups are too many */
    add(row: Row): void {
      const values = outcomes.map((name) => readOutcome(row[name], name, rows));
      for (const [at, value] of values.entries())
        if (value !== undefined && value !== 0 && value !== 1) isShare[at] = false;
      for (const tally of tallies) {
        const group = groupOf(tally, row);
        if (!group) tally.missing += 1;
        else for (const [at, value] of values.entries()) if (value !== undefined) addTo(group[at] as Moments, value);
      }
      rows += 1;
    },
    end: (): Tally => ({ rows, attributes: tallies, isShare }),
  };
}

function readGroup(value: unknown, name: string, row: number): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') {
    return String(value).slice(0, longestGroup);
  }
  throw wrong(name, row, 'must be a string, a number, true or false');
}

/** Of CSV, everything is text. */
function readOutcome(value: unknown, name: string, row: number): number | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (typeof value === 'string' && /^(true|false)$/i.test(value)) return value.toLowerCase() === 'true' ? 1 : 0;
  const number = typeof value === 'string' ? Number(value) : value;
  if (typeof number === 'number' && Number.isFinite(number)) return number;
  throw wrong(name, row, 'must be a number, true or false');
}

function wrong(name: string, row: number, problem: string): ProxyError {
  const param = `data[${row}].${name}`;
  return new ProxyError('invalid_request', { param, message: `${param} ${problem}` });
}

function tooManyGroups(attribute: string): ProxyError {
  const message = `attributes: ${attribute} has more than ${mostGroups} values, which are no groups`;
  return new ProxyError('invalid_request', { param: 'attributes', message });
}
