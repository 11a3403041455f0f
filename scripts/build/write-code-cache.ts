// node scripts/build/write-code-cache.ts DIRECTORY PROGRAM: runs the program of the bundle in DIRECTORY until it has
// loaded its modules, and saves the code that V8 compiled.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { filesOf, loadProgram, programNames } from './program.ts';

const [, , directory, asked] = process.argv;
const name = programNames.find((known) => known === asked);
if (directory === undefined || name === undefined) {
  throw new Error(`usage: node scripts/build/write-code-cache.ts DIRECTORY ${programNames.join('|')}`);
}
// With missing files it ends quietly by itself, once everything is loaded. `up` writes a log there, and a worker waits for
// credentials in a folder that exists: so each program has a place of its own.
const nowhere = join(directory, `not-there-${name}`);
const program = loadProgram(directory, name, undefined);
process.on('exit', () => {
  writeFileSync(join(directory, filesOf(name).codeCache), program.createCodeCache());
  rmSync(nowhere, { recursive: true, force: true });
  process.exitCode = 0;
});
const inPod = ['--credentials', nowhere, '--data', nowhere, '--metrics-host', '127.0.0.1', '--metrics-port', '0'];
const commands = {
  proxy: ['proxy', ...inPod],
  operator: ['operator', '--database-url-file', nowhere],
  worker: ['worker', ...inPod],
  trainer: ['trainer', 'train'],
  // The command with the most code.
  commands: ['up', nowhere, '--data', nowhere],
};
process.argv.splice(2, 2, ...commands[name]);
process.stderr.write = () => true;
program.run();
