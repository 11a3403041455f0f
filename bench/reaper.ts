// Ends the processes of a benchmark that has died without ending them. Reads lines from the benchmark: `+PID` of a process
// that has started, `-PID` of one that has ended. The end of the input is the end of the benchmark.
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

const graceMs = 20_000;
const left = new Set<number>();

// It outlives whatever signal ends the benchmark.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
for await (const line of createInterface({ input: process.stdin })) {
  const pid = Number(line.slice(1));
  if (line.startsWith('+')) left.add(pid);
  else left.delete(pid);
}
signalAll('SIGTERM');
for (let waitedMs = 0; left.size > 0 && waitedMs < graceMs; waitedMs += 100) {
  await delay(100);
  signalAll(0);
}
signalAll('SIGKILL');

/** Signals those that are left, and forgets those that have ended. */
function signalAll(signal: NodeJS.Signals | 0): void {
  for (const pid of left) {
    try {
      process.kill(pid, signal);
    } catch {
      left.delete(pid);
    }
  }
}
