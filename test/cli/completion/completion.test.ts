import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { makeDirectory } from '../../directories.ts';
import { runCli } from '../../run-cli.ts';
import { suiteScope } from '../../scope.ts';

const execute = promisify(execFile);
const has = (shell: string) => {
  try {
    execFileSync(shell, ['-c', 'true']);
    return true;
  } catch {
    return false;
  }
};

/** What a shell offers for each of some lines, the cursor at their ends. */
const offers: Readonly<Record<string, (script: string, lines: readonly string[]) => Promise<string[][]>>> = {
  bash: (script, lines) =>
    ask('bash', script, lines, (line) => {
      const words = line.split(' ');
      const set = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}`;
      return `${set}; _chaperone; printf '%s\\n' "\${COMPREPLY[@]}"`;
    }),
  fish: (script, lines) => ask('fish', script, lines, (line) => `complete -C '${line}'`),
};

async function ask(shell: string, script: string, lines: readonly string[], completeOne: (line: string) => string) {
  const all = lines.map((line) => `${completeOne(line)}; echo ---`).join('\n');
  const { stdout } = await execute(shell, ['-c', `source ${script}\n${all}`]);
  return stdout.split('---\n').map((part) => part.split('\n').map((one) => one.split('\t')[0] ?? ''));
}

const cases: readonly (readonly [line: string, offered: readonly string[], not: readonly string[]])[] = [
  ['chaperone us', ['usage'], ['up']],
  ['chaperone token ', ['issue', 'revoke'], ['usage', 'up']],
  ['chaperone token revoke --us', ['--user'], ['--organization']],
  ['chaperone usage --output ', ['table', 'json', 'csv'], ['usage', 'wide']],
  ['chaperone usage -o j', ['json'], ['csv']],
  ['chaperone get lim', ['limits'], ['jobs']],
  ['chaperone completion ', ['bash', 'zsh', 'fish'], ['up']],
];

for (const [shell, complete] of Object.entries(offers)) {
  describe(`completion in ${shell}`, { skip: !has(shell) && `there is no ${shell}` }, () => {
    const scope = suiteScope();
    let offered: string[][];
    before(async () => {
      const script = join(await makeDirectory(scope), 'completion');
      await writeFile(script, (await runCli(['completion', shell])).stdout);
      offered = await complete(
        script,
        cases.map(([line]) => line),
      );
    });
    for (const [index, [line, expected, not]] of cases.entries()) {
      it(`offers ${expected.join(', ')} after "${line}"`, () => {
        const all = offered[index] ?? [];
        assert.deepEqual(
          expected.filter((one) => !all.includes(one)),
          [],
        );
        assert.deepEqual(
          not.filter((one) => all.includes(one)),
          [],
        );
      });
    }
  });
}

describe('completion in zsh', { skip: !has('zsh') && 'there is no zsh' }, () => {
  it('is a script that zsh can load', async () => {
    const scope = { after: (release: () => unknown) => void release };
    const file = join(await makeDirectory(scope), '_chaperone');
    await writeFile(file, (await runCli(['completion', 'zsh'])).stdout);
    const load = `autoload -U compinit; compinit -u -D; source ${file}; (( \${+functions[_chaperone_token_revoke]} )) && print loaded`;
    const { stdout } = await execute('zsh', ['-f', '-c', load]);
    assert.match(stdout, /loaded/);
  });
});
