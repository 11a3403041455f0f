import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ProgramName, programOf } from '../../../scripts/build/program.ts';
import { makeDirectory } from '../../directories.ts';
import { runCli } from '../../run-cli.ts';

const places: readonly (readonly [program: ProgramName, ...command: string[]])[] = [
  ['proxy', 'proxy', '--port', '8000'],
  ['worker', 'worker'],
  ['operator', 'operator', '--namespace', 'governance'],
  ['commands', 'operator', '--directory', 'examples/quickstart'],
  ['commands', 'operator', '--directory=examples/quickstart'],
  ['commands', 'usage', '--data', 'operator'],
  ['commands', '--help'],
  ['commands'],
];
for (const [name, ...command] of places) {
  test(`the program of "chaperone ${command.join(' ')}" is ${name}`, () => {
    const [first, ...options] = command;
    assert.equal(programOf(first, options), name);
  });
}

// A bundle without its module says so only when it is called.
test('the program of all other commands has the subcommands, too', async (t) => {
  const data = await makeDirectory(t);
  const { stderr } = await runCli(['webhooks', 'send-test', 'incidents', '--organization', 'acme', '--data', data]);
  assert.match(stderr, /^chaperone: There is no organization/);
});
