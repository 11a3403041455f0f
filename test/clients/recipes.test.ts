import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import type { Client } from 'pg';
import { connect } from '../database/tenant.ts';
import { makeDirectory, repository } from '../directories.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

import { CannotInstall, installClients, installPythonClients } from './install.ts';

/** A block of `docs/clients.md`. */
interface Block {
  readonly language: string;
  readonly text: string;
  /** The file in the home directory that the text says it goes into. */
  readonly file: string | undefined;
}

/** Under `### NAME`, what is to be put into files, and then run. */
async function readRecipes(): Promise<ReadonlyMap<string, readonly Block[]>> {
  const document = await readFile(join(repository, 'docs', 'clients.md'), 'utf8');
  const recipes = new Map<string, readonly Block[]>();
  for (const section of document.split(/^#{2,3} /m)) {
    const [name = ''] = section.split('\n', 1);
    const blocks = [...section.matchAll(/(?:In `~\/(.+)`:\n\n)?```(\w+)\n(.*?)```/gs)].map(
      ([, file, language = '', text = '']) => ({ language, text, file }),
    );
    if (blocks.length > 0) recipes.set(name, blocks);
  }
  return recipes;
}

/**
 * opencode asks for lists of models and packages while it starts. Anthropic's SDK is tested with a provider of that type
 * in test/proxy/anthropic.
 */
const notRun = ['opencode', 'Anthropic'];
const recipes = [
  'curl',
  'OpenAI, JavaScript',
  'OpenAI, Python',
  'AI SDK',
  'LangChain, JavaScript',
  'LangChain, Python',
  'Agents SDK, JavaScript',
  'Agents SDK, Python',
  'LiteLLM',
  'pydantic-ai',
  'llm',
  'Codex CLI',
];

describe('a recipe of docs/clients.md', { concurrency: 2 }, () => {
  const scope = suiteScope();
  let blocks: ReadonlyMap<string, readonly Block[]>;
  let programs: string | undefined;
  let python: string | undefined;
  let stack: Stack;
  let database: Client;

  before(async () => {
    blocks = await readRecipes();
    const skipped = (what: string) => (error: unknown) => {
      if (!(error instanceof CannotInstall)) throw error;
      process.stderr.write(`Skipped: recipes of docs/clients.md for ${what}, since ${error.message}\n`);
      return undefined;
    };
    [programs, python] = await Promise.all([
      installClients(scope).catch(skipped('Node')),
      installPythonClients().catch(skipped('Python')),
    ]);
    stack = await startStack(scope, { ownProcess: true });
    database = await connect(scope, stack.database.url);
  });

  const run = async (
    { language, text, file }: Block,
    home: string,
    environment: NodeJS.ProcessEnv,
  ): Promise<string> => {
    const here = text.replace('http://127.0.0.1:8000/v1', stack.baseUrl);
    if (file !== undefined) {
      await mkdir(dirname(join(home, file)), { recursive: true });
      await writeFile(join(home, file), here);
      return '';
    }
    const options = { cwd: home, env: environment };
    if (language === 'sh') return execute('bash', ['-euc', here], options);
    if (language === 'python') return execute('python3', ['-c', here], options);
    const module = join(programs ?? '', `${Math.random()}.mjs`);
    await writeFile(module, here);
    return execute(process.execPath, [module], options);
  };
  const execute = async (command: string, args: readonly string[], options: object): Promise<string> => {
    const running = promisify(execFile)(command, args, options);
    running.child.stdin?.end();
    return (await running).stdout;
  };

  for (const name of recipes) {
    it(`works: ${name}`, async (t) => {
      const recipe = blocks.get(name) ?? [];
      const needsPython = name === 'llm' || recipe.some(({ language }) => language === 'python');
      if (needsPython ? !python : !programs && name !== 'curl') {
        t.skip('its client cannot be installed');
        return;
      }
      const home = await makeDirectory(scope);
      const user = `${recipes.indexOf(name)}@example.com`;
      const environment = {
        PATH: [join(programs ?? '', '..', 'node_modules', '.bin'), join(python ?? '', 'bin'), process.env.PATH].join(
          ':',
        ),
        HOME: home,
        PYTHONPATH: python,
        LITELLM_LOCAL_MODEL_COST_MAP: 'True',
        OPENAI_BASE_URL: stack.baseUrl,
        OPENAI_API_KEY: await stack.sign({ user }),
      };
      let output = '';
      for (const block of recipe) output += await run(block, home, environment);
      assert.match(output, /You said: Hello!/);

      const record = await until(async () => {
        const { rows } = await database.query(
          `select requests.* from chaperone.requests join chaperone.users using (organization_id, user_id)
           where external_id = $1`,
          [user],
        );
        return rows[0];
      }, `the record of ${name}`);
      assert.equal(record.status, 'completed');
      const sent = recipe.map(({ text }) => text).join('');
      const header = sent.includes('my-session') ? record.session_id : record.turn_id;
      assert.ok(sent.includes(header), `the recipe's header is in the record: ${header}`);
    });
  }

  it('keeps the Agents SDK from sending traces elsewhere, like the switch in the environment', async (t) => {
    if (programs === undefined) {
      t.skip('its client cannot be installed');
      return;
    }
    const [recipe] = blocks.get('Agents SDK, JavaScript') ?? [];
    const text = recipe?.text ?? '';
    const variants = { code: text, environment: text.replace(/^setTracingDisabled.*\n/m, '') };
    assert.notEqual(variants.environment, text);
    const user = 'tracing@example.com';
    const env = { PATH: process.env.PATH, OPENAI_BASE_URL: stack.baseUrl, OPENAI_API_KEY: await stack.sign({ user }) };
    for (const [name, variant] of Object.entries(variants)) {
      const module = join(programs, `tracing-${name}.mjs`);
      await writeFile(module, variant);
      const off = name === 'environment' ? { OPENAI_AGENTS_DISABLE_TRACING: '1' } : {};
      const args: string[] = ['--import', join(programs, 'hosts.mjs'), module];
      const { stderr } = await promisify(execFile)(process.execPath, args, { env: { ...env, ...off } });
      assert.equal(stderr, `${new URL(stack.baseUrl).host}\n`, `by the ${name}`);
    }
  });

  it('is run, if possible', () => {
    assert.deepEqual([...blocks.keys()].toSorted(), [...recipes, ...notRun].toSorted());
  });
});
