import type { ChildProcess } from 'node:child_process';
import { get } from 'node:http';

const defaultPatienceMs = 30_000;
const pauseMs = 2;

/**
 * Repeats a request until the answer is 200, on a new connection each time.
 *
 * @throws where `child` ends, or after `patienceMs`
 */
export async function untilAnswered(
  child: ChildProcess,
  port: number,
  path: string,
  patienceMs = defaultPatienceMs,
): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!(await isAnswered(port, path))) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with exit code ${child.exitCode}`);
    if (performance.now() > deadline) throw new Error(`Nothing answered at port ${port} within ${patienceMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

function isAnswered(port: number, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    }).on('error', () => resolve(false));
  });
}
