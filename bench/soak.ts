import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../scripts/build.ts';
import type { Benchmark, Figures, Reach, Result } from './benchmark.ts';
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
    const { minutes, round, publishes } = readOptions(args);
    note('Building, and starting everything ...');
    await build();
    const program = join(import.meta.dirname, '..', 'test', 'faults', 'matrix', 'soak', 'soak.ts');
    const child = startNode(program, [String(minutes), String(round)]);
    onEnd(() => stopChild(child));
    const run = new Date().toISOString().slice(0, 16).replace('T', ' ');
    const result = await new Promise<Result>((resolve, reject) => {
      child.on('message', (message: Message) => {
        if ('note' in message) note(message.note);
        else resolve({ ...message, reach });
      });
      child.on('exit', (code) => reject(new Error(`The soak ended with exit code ${code}`)));
    });
    if (publishes) await publish(result, run);
    return result;
  },
};

const document = join(import.meta.dirname, '..', 'docs', 'reliability.md');
const block = /(<!-- soak -->\n)[\s\S]*(<!-- \/soak -->)/;

/** Writes the table into docs/reliability.md. @param run when it began, in UTC */
async function publish({ figures, summary }: Result, run: string): Promise<void> {
  const rows = Object.entries(figures).map(([name, figure]) => {
    const most = reach[name]?.max;
    return `| \`${name}\` | ${figure.toLocaleString('en', { maximumFractionDigits: 12 })} | ${most ?? ''} |`;
  });
  const table = ['| figure | value | at most |', '| --- | ---: | ---: |', ...rows].join('\n');
  const text = await readFile(document, 'utf8');
  await writeFile(
    document,
    text.replace(block, (_, before, after) => `${before}\n${run} (UTC). ${summary}\n\n${table}\n\n${after}`),
  );
}

function readOptions(args: readonly string[]): { minutes: number; round: number; publishes: boolean } {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '10' },
      round: { type: 'string', default: '30' },
      publish: { type: 'boolean', default: false },
    },
  });
  const [minutes, round] = [Number(values.minutes), Number(values.round)];
  if (!(minutes > 0)) throw new Error('--minutes takes a number of minutes');
  if (!(round > 0)) throw new Error('--round takes a number of seconds');
  return { minutes, round, publishes: values.publish };
}
