import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { makeDirectory, repository } from '../directories.ts';
import { readBlocks } from '../documents.ts';
import { runCli } from '../run-cli.ts';
import { suiteScope } from '../scope.ts';
import { type RunningUp, startUp } from './start-up.ts';

/** Each document's organization, and what its program prints with the sandbox. */
const documents = {
  openai: { organization: 'shop', prints: [/^\[sandbox gpt-4o-mini\] .*Hello!/] },
  // Nothing answers at the address of vLLM here, so the fallback does.
  litellm: { organization: 'research', prints: [/^\[sandbox gpt-4o-mini\] .*Hello!/, /^openai vllm/] },
  portkey: { organization: 'apps', prints: [/three sentences.*A long text/s, /^miss max_output_tokens=400/] },
} as const;

const blocksOf = (name: string, language: string) =>
  readBlocks(`docs/migrate/${name}.md`)
    .filter((block) => block.language === language)
    .map(({ text }) => text);

/** The resources and the programs of docs/migrate, in one product, as they stand there. */
describe('the guides in docs/migrate', () => {
  const scope = suiteScope();
  let up: RunningUp;
  let programs: string;
  before(async () => {
    const directory = await makeDirectory(scope);
    for (const name of Object.keys(documents)) {
      const resources = blocksOf(name, 'yaml').filter((text) => text.startsWith('apiVersion: '));
      await writeFile(join(directory, `${name}.yaml`), resources.join('\n---\n'));
    }
    up = await startUp(scope, { directory });
    programs = await makeDirectory(scope);
    await mkdir(programs, { recursive: true });
    await symlink(join(repository, 'node_modules'), join(programs, 'node_modules'));
  });

  it('state resources that are valid and in force', async () => {
    assert.equal(up.errors(), '');
    const { stdout } = await runCli(['get', 'organizations,apikeybindings,personas', '--data', up.data]);
    const rows = stdout.split('\n').filter((line) => /\b(True|False|Unknown)\b/.test(line));
    assert.equal(rows.length, 9, stdout);
    for (const row of rows) assert.match(row, /\bTrue +Ready\b/);
  });

  for (const [name, { organization, prints }] of Object.entries(documents)) {
    it(`have a program that works: ${name}`, async () => {
      const [program] = blocksOf(name, 'js');
      const file = join(programs, `${name}.mjs`);
      await writeFile(file, program ?? assert.fail('no program'));
      const { baseUrl } = up.ready.organizations.find((one) => one.name === organization) ?? assert.fail(organization);
      const token = await runCli(['token', '--organization', organization, '--user', 'ada', '--data', up.data]);
      const environment = { OPENAI_BASE_URL: baseUrl, OPENAI_API_KEY: token.stdout.trim() };
      const { stdout } = await promisify(execFile)(process.execPath, [file], {
        env: { ...process.env, ...environment },
      });
      for (const pattern of prints) assert.match(stdout, new RegExp(pattern.source, `${pattern.flags}m`));
    });
  }
});
