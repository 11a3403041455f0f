import { join, relative } from 'node:path';
import { after, before, suite } from 'node:test';
import { otherParts } from '../scripts/test/timed-part.ts';
import { countTime } from './times.ts';

const root = join(import.meta.dirname, '..');

/**
 * Runs test files one after another in this process, each as its own suite with its own hooks, so that common modules
 * are loaded and compiled once. A file that cannot be imported fails like a test.
 *
 * @param files absolute paths
 */
export function runBatch(files: readonly string[]): void {
  const unfinished = new Set<string>();
  for (const file of files) {
    const name = relative(root, file);
    unfinished.add(name);
    suite(name, async () => {
      before(() => countTime(otherParts.batches));
      after(() => {
        unfinished.delete(name);
        countTime(name);
      });
      await import(file);
    });
  }
  process.on('exit', () => {
    if (unfinished.size === 0) return;
    // A file that ends the process, even with code 0, would hide the files after it.
    process.stderr.write(`Ended before these files were done: ${[...unfinished].join(', ')}\n`);
    process.exitCode = 1;
  });
}
