import { readFile } from 'node:fs/promises';

/** Memory of a process, in megabytes of 10^6 bytes. */
export interface ResidentMemory {
  readonly totalMb: number;
  /** What the process itself has written: V8's heap, buffers, malloc, stacks. */
  readonly anonymousMb: number;
  /** Pages of files, nearly all of Node's own program. Processes of one node share them. */
  readonly fileMb: number;
  /** The highest total since the start, or since `resetPeak`. */
  readonly peakMb: number;
}

/** Reads the memory of a process from Linux. */
export async function readResidentMemory(pid: number | undefined): Promise<ResidentMemory> {
  return parseStatus(await readFile(`/proc/${pid}/status`, 'utf8'));
}

/** Parses proc_pid_status(5). Its kB are 1,024 bytes. */
export function parseStatus(status: string): ResidentMemory {
  const mb = (name: string) => {
    const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
    if (kibibytes === undefined) throw new Error(`/proc has no ${name}`);
    return (Number(kibibytes) * 1_024) / 1e6;
  };
  return { totalMb: mb('VmRSS'), anonymousMb: mb('RssAnon'), fileMb: mb('RssFile'), peakMb: mb('VmHWM') };
}

/** The resident memory of a process. proc_pid_status(5), `VmRSS`. */
export async function readResidentBytes(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
}

/** Follows the peak of a process's resident memory. */
export function watchResidentBytes(pid: number | undefined): { stop(): Promise<number> } {
  let peak = 0;
  const look = async () => {
    peak = Math.max(peak, await readResidentBytes(pid));
  };
  const timer = setInterval(() => void look().catch(() => {}), 50);
  return {
    async stop() {
      clearInterval(timer);
      await look();
      return peak;
    },
  };
}
