import { readdir, readFile } from 'node:fs/promises';

/** The value of `sysconf(_SC_CLK_TCK)` on every Linux that Node runs on. */
const ticksPerSecond = 100;

/** Processor time of a process since its start, in seconds. */
export async function readCpuSeconds(pid: number | undefined): Promise<number> {
  return parseStat(await readFile(`/proc/${pid}/stat`, 'utf8')).ownSeconds;
}

/** Processor time of a process with its current and its ended children, in seconds. */
export async function readFamilyCpuSeconds(pid: number): Promise<number> {
  const { ownSeconds, endedChildrenSeconds } = parseStat(await readFile(`/proc/${pid}/stat`, 'utf8'));
  let seconds = ownSeconds + endedChildrenSeconds;
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => undefined);
    const child = stat === undefined ? undefined : parseStat(stat);
    if (child?.parent === pid) seconds += child.ownSeconds;
  }
  return seconds;
}

/** Processor time of all threads of a process so far, in milliseconds, to the nanosecond that the kernel counts. */
export async function readProcessorMs(pid: number | undefined): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`);
  const times = await Promise.all(
    threads.map(async (thread) => {
      const text = await readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8');
      return Number(text.split(' ', 1)[0]) / 1e6;
    }),
  );
  return times.reduce((sum, ms) => sum + ms, 0);
}

/** proc_pid_stat(5), fields 4 and 14 to 17; the 2nd, in brackets, may hold blanks. */
function parseStat(stat: string): { parent: number; ownSeconds: number; endedChildrenSeconds: number } {
  const fields = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number);
  const [user = 0, system = 0, childrenUser = 0, childrenSystem = 0] = fields.slice(11, 15);
  return {
    parent: fields[1] ?? 0,
    ownSeconds: (user + system) / ticksPerSecond,
    endedChildrenSeconds: (childrenUser + childrenSystem) / ticksPerSecond,
  };
}
