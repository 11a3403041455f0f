// node scripts/build/write-code-cache.ts DIRECTORY: runs the bundle in DIRECTORY as far as a proxy loads its modules,
// and keeps what V8 compiled for that.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleFiles, loadProgram } from './program.ts';

const [, , directory] = process.argv;
if (directory === undefined) throw new Error('usage: node scripts/build/write-code-cache.ts DIRECTORY');
const program = loadProgram(directory, undefined);
process.on('exit', () => {
  writeFileSync(join(directory, bundleFiles.codeCache), program.createCodeCache());
  process.exitCode = 0;
});
// Without credentials it ends by itself, and quietly, once everything is loaded.
const nowhere = join(directory, 'no-credentials');
process.argv.splice(2, 1, 'proxy', '--credentials', nowhere, '--data', nowhere);
process.stderr.write = () => true;
program.run();
