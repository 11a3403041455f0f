import type { Generate, Load } from '../path/load.ts';
import { rotate } from '../path/rounds.ts';

const connections = 16;
/** It takes some ten seconds of load until all code is compiled. */
const warmUpSeconds = 10;

/** A way to the upstream that is measured. */
export interface Target {
  readonly name: string;
  readonly port: number;
  readonly headers: Load['headers'];
  readonly body: string;
  /** Processor time since its start, when nothing of its calls is left to do. */
  readCpuSeconds(): Promise<number>;
}

export interface Measured {
  readonly perSecond: number;
  readonly cpuUsPerCall: number;
}

/** What each target did in a round. */
export type Round = ReadonlyMap<string, Measured>;

export interface RoundsOptions {
  readonly targets: readonly Target[];
  readonly generate: Generate;
  /** The number of rounds, after a warm-up round that does not count. */
  readonly count: number;
  readonly seconds: number;
  readonly onRound: (number: number, round: Round) => void;
}

/** Puts the load on each target in turn, repeatedly, so that other work of the machine affects all of them alike. */
export async function runRounds({ targets, generate, count, seconds, onRound }: RoundsOptions): Promise<Round[]> {
  const rounds: Round[] = [];
  for (let number = 0; number <= count; number += 1) {
    const round = new Map<string, Measured>();
    for (const target of rotate(targets, number)) {
      const { port, headers, body } = target;
      const before = await target.readCpuSeconds();
      const { calls, perSecond } = await generate({
        port,
        headers,
        body,
        connections,
        seconds: number === 0 ? warmUpSeconds : seconds,
      });
      const cpuUsPerCall = (((await target.readCpuSeconds()) - before) * 1e6) / calls;
      round.set(target.name, { perSecond, cpuUsPerCall });
    }
    onRound(number, round);
    if (number > 0) rounds.push(round);
  }
  return rounds;
}
