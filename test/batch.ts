import { join, relative } from 'node:path';
import { after, suite } from 'node:test';

const root = join(import.meta.dirname, '..');

/**
 * Runs test files one after another in this process, each as a suite of its own with its own hooks: what they import is
 * loaded and compiled once. A file that cannot be imported fails as a test does.
 *
 * @param files absolute paths
 */
export function runBatch(files: readonly string[]): void {
  const unfinished = new Set<string>();
  for (const file of files) {
    const name = relative(root, file);
    unfinished.add(name);
    suite(name, async () => {
      after(() => unfinished.delete(name));
      await import(file);
    });
  }
  process.on('exit', () => {
    if (unfinished.size === 0) return;
    // A file that ends the process, be it with 0, would take those after it along.
    process.stderr.write(`Ended before these were through: ${[...unfinished].join(', ')}\n`);
    process.exitCode = 1;
  });
}
