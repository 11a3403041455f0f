// node scripts/build/write-code-cache.ts DIRECTORY PROGRAM: runs the program of the bundle in DIRECTORY until it has
// loaded its modules, and saves the code that V8 compiled.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesOf, loadProgram } from './program.ts';

const [, , directory, name] = process.argv;
if (directory === undefined || (name !== 'proxy' && name !== 'operator' && name !== 'worker')) {
  throw new Error('usage: node scripts/build/write-code-cache.ts DIRECTORY proxy|operator|worker');
}
const program = loadProgram(directory, name, undefined);
process.on('exit', () => {
  writeFileSync(join(directory, filesOf(name).codeCache), program.createCodeCache());
  process.exitCode = 0;
});
// With missing files it ends quietly by itself, once everything is loaded.
const nowhere = join(directory, 'not-there');
const needs = {
  proxy: ['--credentials', nowhere, '--data', nowhere, '--metrics-host', '127.0.0.1', '--metrics-port', '0'],
  operator: ['--database-url-file', nowhere],
  worker: ['--credentials', nowhere, '--data', nowhere, '--metrics-host', '127.0.0.1', '--metrics-port', '0'],
};
process.argv.splice(2, 2, name, ...needs[name]);
process.stderr.write = () => true;
program.run();
