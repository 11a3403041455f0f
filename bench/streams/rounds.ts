import { rotate } from '../path/rounds.ts';
import type { GenerateStreams, MeasuredStreams } from './load.ts';

/** The compared targets. */
export const targets = ['direct', 'bare', 'governed'] as const;
export type Target = (typeof targets)[number];

/** Few streams that are fast, for the processor time of a delta; and many that are slow, for delay and memory. */
export const loads = {
  few: { connections: 16, everyMs: 1, spreadMs: 50 },
  many: { connections: 500, everyMs: 80, spreadMs: 1_500 },
} as const;
const warmUpSeconds = 10;

export type LoadName = keyof typeof loads;

/** What is read of a target around a load. */
export interface Costs {
  readonly cpuSeconds: number;
  readonly peakBytes: number;
}

export interface Measured extends MeasuredStreams {
  readonly cpuUsPerDelta: number;
  readonly peakBytes: number;
}

/** What a load has measured of each target. */
export type Measures = Readonly<Record<Target, Measured>>;

export type Round = Readonly<Record<LoadName, Measures>>;

export interface RoundsOptions {
  readonly generate: GenerateStreams;
  readonly setPace: (everyMs: number) => void;
  readonly ports: Readonly<Record<Target, number>>;
  readonly token: string;
  readonly body: string;
  /** The number of rounds, after a warm-up round that does not count. */
  readonly count: number;
  /** How long the few streams are repeated on each target. */
  readonly seconds: number;
  /** Runs something, and reads what it costs the target until nothing of it is left to do. */
  readonly withCosts: (
    name: LoadName,
    target: Target,
    run: () => Promise<MeasuredStreams>,
  ) => Promise<{ measured: MeasuredStreams; costs: Costs }>;
  readonly onRound: (number: number, name: LoadName, measures: Measures) => void;
}

/**
 * Puts each load on each target in turn, repeatedly, so that other work of the machine affects all of them alike. First the
 * few streams in all rounds, then the many: a proxy that rests for half a minute between two loads drops its compiled code.
 */
export async function runRounds(options: RoundsOptions): Promise<Round[]> {
  const few = await repeat(options, 'few');
  const many = await repeat(options, 'many');
  return few.flatMap((one, index) => {
    const other = many[index];
    return other ? [{ few: one, many: other }] : [];
  });
}

async function repeat(options: RoundsOptions, name: LoadName): Promise<Measures[]> {
  const rounds: Measures[] = [];
  for (let number = 0; number <= options.count; number += 1) {
    const measures = await measureAll(options, name, number);
    options.onRound(number, name, measures);
    if (number > 0) rounds.push(measures);
  }
  return rounds;
}

async function measureAll(options: RoundsOptions, name: LoadName, turn: number): Promise<Measures> {
  const measured: Partial<Record<Target, Measured>> = {};
  for (const target of rotate(targets, turn)) measured[target] = await measure(options, name, target, turn === 0);
  const { direct, bare, governed } = measured;
  if (!direct || !bare || !governed) throw new Error('A target was left out');
  return { direct, bare, governed };
}

async function measure(options: RoundsOptions, name: LoadName, target: Target, isWarmUp: boolean): Promise<Measured> {
  const { connections, everyMs, spreadMs } = loads[name];
  options.setPace(everyMs);
  const { measured, costs } = await options.withCosts(name, target, () =>
    options.generate({
      port: options.ports[target],
      connections,
      spreadMs,
      // It takes some ten seconds of load until all code is compiled.
      seconds: name === 'many' ? 0 : isWarmUp ? warmUpSeconds : options.seconds,
      headers: { authorization: `Bearer ${options.token}`, accept: 'text/event-stream' },
      body: options.body,
    }),
  );
  return {
    ...measured,
    cpuUsPerDelta: (costs.cpuSeconds * 1e6) / Math.max(1, measured.deltas),
    peakBytes: costs.peakBytes,
  };
}
