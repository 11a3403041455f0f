import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../scripts/build.ts';
import type { Benchmark, Figures, Reach } from './benchmark.ts';
import { startNode, stopChild } from './child.ts';

const reach: Reach = {
  lost: { max: 0 },
  doubled: { max: 0 },
  cost_difference_usd: { max: 0 },
  failed_rounds: { max: 0 },
  descriptors_growth: { max: 20 },
};

/** What the program of the soak tells. */
type Message = { readonly note: string } | { readonly figures: Figures; readonly summary: string };

/** A steady load for minutes, with the faults of the fault matrix, which runs it in a process of its own. */
export const soak: Benchmark = {
  async run({ args, note, onEnd }) {
    const { minutes, round } = readOptions(args);
    note('Building, and starting everything ...');
    await build();
    const program = join(import.meta.dirname, '..', 'test', 'faults', 'matrix', 'soak', 'soak.ts');
    const child = startNode(program, [String(minutes), String(round)]);
    onEnd(() => stopChild(child));
    return new Promise((resolve, reject) => {
      child.on('message', (message: Message) => {
        if ('note' in message) note(message.note);
        else resolve({ ...message, reach });
      });
      child.on('exit', (code) => reject(new Error(`The soak ended with exit code ${code}`)));
    });
  },
};

function readOptions(args: readonly string[]): { minutes: number; round: number } {
  const { values } = parseArgs({
    args: [...args],
    options: { minutes: { type: 'string', default: '10' }, round: { type: 'string', default: '30' } },
  });
  const [minutes, round] = [Number(values.minutes), Number(values.round)];
  if (!(minutes > 0)) throw new Error('--minutes takes a number of minutes');
  if (!(round > 0)) throw new Error('--round takes a number of seconds');
  return { minutes, round };
}
