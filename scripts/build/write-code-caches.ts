// node scripts/build/write-code-caches.ts DIRECTORY: runs the bundle in DIRECTORY as far as a proxy loads its modules,
// and keeps what V8 compiled for that.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeParts } from './parts.ts';

const [, , directory] = process.argv;
if (directory === undefined) throw new Error('usage: node scripts/build/write-code-caches.ts DIRECTORY');
const parts = makeParts(directory);
process.on('exit', () => {
  for (const { file, codeCache } of parts.createCodeCaches()) writeFileSync(file, codeCache);
  process.exitCode = 0;
});
// Without credentials it ends by itself, and quietly, once everything is loaded.
const nowhere = join(directory, 'no-credentials');
process.argv.splice(2, 1, 'proxy', '--credentials', nowhere, '--data', nowhere);
process.stderr.write = () => true;
parts.run();
