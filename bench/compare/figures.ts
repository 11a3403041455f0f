import { type Figures, formatTable, median, type Reach, round as roundOff } from '../benchmark.ts';
import type { Measured, Round } from './rounds.ts';

/** How many times as many calls the governed proxy ought to make as another gateway. */
const wanted: Readonly<Record<string, number>> = { portkey: 7, litellm: 80 };

/** What a target does for a call besides passing it on, and what it does not. */
const accounts: Readonly<Record<string, string>> = {
  bare: 'nothing',
  governed:
    'checks a JWT; user, session and persona; replaces the key; usage and price; a record on disk before the call and before its answer; sealed contents; metrics; all of it copied to PostgreSQL',
  portkey: 'picks the provider and translates; no authentication, user, usage, price, record or contents',
  litellm:
    'checks one master key, picks the provider, counts usage and price in memory; without its database no user, record or contents',
};

export interface Compared {
  readonly figures: Figures;
  readonly reach: Reach;
  readonly table: string;
}

/** @param labels the targets, with their names in the table */
export function compareGateways(rounds: readonly Round[], labels: ReadonlyMap<string, string>): Compared {
  const of = (compute: (round: Round) => number) => roundOff(median(rounds.map(compute)));
  const names = [...labels.keys()];
  const others = names.filter((name) => wanted[name] !== undefined);
  const perName = (figure: string, read: (measured: Measured) => number): Figures =>
    Object.fromEntries(names.map((name) => [`${name}_${figure}`, of((round) => read(at(round, name)))]));
  const ratio = (read: (governed: Measured, other: Measured) => number, other: string) =>
    of((round) => read(at(round, 'governed'), at(round, other)));
  const figures: Figures = {
    ...perName('requests_per_s', ({ perSecond }) => perSecond),
    ...perName('cpu_us_per_call', ({ cpuUsPerCall }) => cpuUsPerCall),
    ...Object.fromEntries(
      others.flatMap((name) => [
        [`governed_to_${name}_ratio`, ratio((governed, other) => governed.perSecond / other.perSecond, name)],
        [`${name}_cpu_to_governed_ratio`, ratio((governed, other) => other.cpuUsPerCall / governed.cpuUsPerCall, name)],
      ]),
    ),
  };
  const rows = names.map((name) => [
    labels.get(name) ?? name,
    String(figures[`${name}_requests_per_s`]),
    String(figures[`${name}_cpu_us_per_call`]),
  ]);
  return {
    figures,
    reach: Object.fromEntries(others.map((name) => [`governed_to_${name}_ratio`, { min: wanted[name] ?? 0 }])),
    table: [
      formatTable([['', 'requests/s (c=16)', 'CPU us a call'], ...rows]),
      'What each does for a call:',
      ...names.map((name) => `  ${labels.get(name)}: ${accounts[name]}`),
    ].join('\n'),
  };
}

/** Describes a round in one line. */
export function describeRound(round: Round): string {
  return [...round]
    .map(([name, { perSecond, cpuUsPerCall }]) => `${name} ${roundOff(perSecond)}/s ${roundOff(cpuUsPerCall)} us`)
    .join(', ');
}

function at(round: Round, name: string): Measured {
  const measured = round.get(name);
  if (!measured) throw new Error(`${name} was left out`);
  return measured;
}
