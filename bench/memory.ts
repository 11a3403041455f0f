import { readFile } from 'node:fs/promises';

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
