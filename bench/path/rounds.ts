import { median } from '../benchmark.ts';
import type { Form } from './exchange.ts';
import type { Generate, Load, Measured } from './load.ts';

/** The compared targets, in the order of the table. */
export const targets = ['direct', 'bare', 'governed'] as const;
export type Target = (typeof targets)[number];

/** The loads that every target gets in every round. */
const loads = {
  throughput: { form: 'whole', connections: 16, share: 1 },
  latency: { form: 'whole', connections: 1, share: 0.5 },
  streams: { form: 'stream', connections: 16, share: 0.5 },
} as const satisfies Record<string, { form: Form; connections: number; share: number }>;
export type LoadName = keyof typeof loads;

export type Round = Readonly<Record<LoadName, Readonly<Record<Target, Measured & { readonly cpu: CpuTimes }>>>>;

/** Processor time by process: in seconds since its start, or in microseconds per call. */
export interface CpuTimes {
  readonly bare: number;
  readonly proxy: number;
  readonly postgres: number;
}

export interface RoundsOptions {
  readonly generate: Generate;
  readonly ports: Readonly<Record<Target, number>>;
  readonly token: string;
  readonly bodies: Readonly<Record<Form, string>>;
  /** The number of rounds, after a warm-up round that does not count. */
  readonly count: number;
  /** The length of the longest load on each target. */
  readonly seconds: number;
  readonly onRound: (number: number, round: Round) => void;
  /** Waits until a target has nothing left to do, so that it does not disturb the next one. */
  readonly settle: () => Promise<void>;
  readonly readCpuSeconds: () => Promise<CpuTimes>;
}

/** Runs each load on each target in turn, repeatedly, so that other work of the machine affects all of them alike. */
export async function runRounds(options: RoundsOptions): Promise<{ rounds: Round[]; governedCalls: number }> {
  const rounds: Round[] = [];
  let governedCalls = 0;
  const measure = async (name: LoadName, target: Target): Promise<Round[LoadName][Target]> => {
    const before = await options.readCpuSeconds();
    const measured = await options.generate(makeLoad(options, name, target));
    if (target === 'governed') governedCalls += measured.calls;
    await options.settle();
    return { ...measured, cpu: perCall(before, await options.readCpuSeconds(), measured.calls) };
  };
  const measureAll = async (name: LoadName, turn: number): Promise<Round[LoadName]> => {
    const measured: Partial<Record<Target, Round[LoadName][Target]>> = {};
    for (const target of rotate(targets, turn)) measured[target] = await measure(name, target);
    const { direct, bare, governed } = measured;
    if (!direct || !bare || !governed) throw new Error('A target was left out');
    return { direct, bare, governed };
  };
  for (let number = 0; number <= options.count; number += 1) {
    const [throughput, latency, streams] = [
      await measureAll('throughput', number),
      await measureAll('latency', number),
      await measureAll('streams', number),
    ];
    const round = { throughput, latency, streams };
    options.onRound(number, round);
    if (number > 0) rounds.push(round);
  }
  return { rounds, governedCalls };
}

function makeLoad({ ports, token, bodies, seconds }: RoundsOptions, name: LoadName, target: Target): Load {
  const { form, connections, share } = loads[name];
  const accept = form === 'stream' ? 'text/event-stream' : 'application/json';
  return {
    port: ports[target],
    connections,
    seconds: seconds * share,
    headers: { authorization: `Bearer ${token}`, accept },
    body: bodies[form],
  };
}

function perCall(before: CpuTimes, after: CpuTimes, calls: number): CpuTimes {
  const us = (worker: keyof CpuTimes) => ((after[worker] - before[worker]) * 1e6) / calls;
  return { bare: us('bare'), proxy: us('proxy'), postgres: us('postgres') };
}

/** The first target changes, since it finds the machine in the state that the last one left. */
export function rotate<Item>(items: readonly Item[], by: number): Item[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

/** The median over the rounds of a value that is computed within each. */
export function medianOf(rounds: readonly Round[], compute: (round: Round) => number): number {
  return median(rounds.map(compute));
}
