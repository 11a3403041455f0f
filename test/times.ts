import { appendFileSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { otherParts, type ProcessorTime } from '../scripts/test/timed-part.ts';

/** Linux counts in these in /proc, whatever the kernel's own clock. */
const tickMs = 10;

/** What this process has used, or another one that still runs. Linux only. */
export function readProcessorTime(pid: number | 'self' = 'self'): ProcessorTime {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // See proc_pid_stat(5). The second field, a name, may contain spaces; after it comes field 3.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const sum = (first: number) => (Number(fields[first - 3]) + Number(fields[first - 2])) * tickMs;
  return { own: sum(14), children: sum(16) };
}

const { CHAPERONE_TEST_TIMES: file } = process.env;
let counted: ProcessorTime = { own: 0, children: 0 };

/** Adds to a part what this process has used since the last call. Does nothing without `npm test -- --times`. */
export function countTime(part: string): void {
  if (file === undefined) return;
  const used = readProcessorTime();
  addTime(part, { own: used.own - counted.own, children: used.children - counted.children });
  counted = used;
}

/** Adds to a part what another process has used. Does nothing without `npm test -- --times`. */
export function countTimeOf(part: string, pid: number): void {
  if (file !== undefined) addTime(part, readProcessorTime(pid));
}

function addTime(part: string, time: ProcessorTime): void {
  if (file !== undefined) appendFileSync(file, `${JSON.stringify({ part, ...time })}\n`);
}

/** Adds what is left at the end of this process to its file, or to the runner or the batches. */
export function countTimeAtExit(): void {
  if (file === undefined) return;
  const script = relative(process.cwd(), process.argv[1] ?? '');
  const part = script.endsWith('.test.ts') ? script : otherParts.batches;
  process.on('exit', () => countTime(process.env.NODE_TEST_CONTEXT === undefined ? otherParts.runner : part));
}
