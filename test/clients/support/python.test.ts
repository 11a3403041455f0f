import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { before, describe, it } from 'node:test';
import { repository } from '../../directories.ts';
import { suiteScope } from '../../scope.ts';
import { startRelay } from '../../tcp-relay.ts';
import { CannotInstall } from '../install.ts';
import { installPythonPackage, type PythonPackage } from './install-package.ts';
import { article, type Product, readSnippets, startProduct } from './product.ts';

/** What `story.py` is to print for a user, in this order. */
const seenBy = (user: string): readonly unknown[] => [
  ['answer', true, 1, false, true],
  ['named', [article.title]],
  ['continued', true, user, 'chat', { userEmail: 'a@example.com' }],
  ['messages', ['user', 'ai', 'user', 'ai'], true],
  ['named again', true],
  ['feedback', 5],
  ['escalated', 'escalated', 'manual', 1, 5],
  ['changed', null, 'active', 'resolved'],
  ['stream', 'MessageEvent', 'DoneEvent', true],
  ['same', true],
  ['article', 1, 2, 'Our lamps', 'A lamp blinks blue.', null, { byUser: 'ada' }],
  ['versions', [2, 1], 'Lamps'],
  ['found', 1, true, 'words'],
  ['deleted', null],
  ['days', true, true],
  ['few', ['resolution_rate', 'total_conversations']],
  ['400', 'BadRequestError', 400, 'invalid_request', 'req_', 'message'],
  ['401', 'AuthenticationError', 401, 'invalid_credentials', 'req_', null],
  ['403', 'PermissionDeniedError', 403, 'role_required', 'req_', null],
  ['404', 'NotFoundError', 404, 'conversation_not_found', 'req_', 'conversation_id'],
  ['configuration', 'invalid_configuration'],
  ['configuration', 'invalid_configuration'],
  ['configuration', 'invalid_configuration'],
  ['limited', 'limit_reached', true, 2, 0],
  ['waits', 1, true],
  ['stopped'],
  ['relay'],
  ['again', 'ChatConnectionError'],
  ['once', 1, ['user', 'ai']],
];

/** The wheel, installed, against the running product. */
describe('the client for Python', () => {
  const scope = suiteScope();
  let python: PythonPackage | undefined;
  let product: Product;

  before(async () => {
    try {
      python = await installPythonPackage(scope);
    } catch (error) {
      if (!(error instanceof CannotInstall)) throw error;
      process.stderr.write(`Skipped: the client for Python, since ${error.message}\n`);
      return;
    }
    product = await startProduct(scope);
    const answer = await fetch(`${product.baseUrl}/api/v1/knowledge-base`, {
      method: 'POST',
      headers: { authorization: `Bearer ${product.admin}`, 'content-type': 'application/json' },
      body: JSON.stringify(article),
    });
    assert.equal(answer.status, 200, await answer.text());
  });

  const test = (name: string, check: (installed: PythonPackage) => Promise<void>) =>
    it(name, async (t) => (python ? check(python) : t.skip('its dependencies cannot be installed')));

  test('runs the snippet of the contract, and that of its README', async ({ directory, run }) => {
    const { python: documented } = readSnippets();
    const apiKey = await product.makeKey({ name: 'snippet', roles: ['member'] });
    const readme = await readFile(join(repository, 'clients', 'python', 'README.md'), 'utf8');
    const shown = /```python\n(from .*?)```/s.exec(readme)?.[1] ?? assert.fail('the README has no snippet');
    assert.equal(shown, documented.replace('from ourplatform', 'from chaperone_support'));
    await writeFile(join(directory, 'ourplatform.py'), 'from chaperone_support import *\n');
    const env = { CHAPERONE_BASE_URL: product.baseUrl, PYTHONPATH: directory };
    for (const snippet of [documented, shown]) {
      const output = await run(['-c', snippet.replace('your_api_key', apiKey)], env);
      assert.match(output, /choose Forgot Password.*\nConfidence: 0\.\d+\n$/s);
    }
  });

  for (const kind of ['sync', 'async']) {
    test(`holds conversations, keeps articles, reads figures, fails and repeats as it should: ${kind}`, async (it) => {
      const relay = await startRelay({ after: scope.after }, product.stack.proxy.port);
      const user = `${kind}-user`;
      const env = {
        ...{ BASE_URL: product.baseUrl, ADMIN: product.admin, BACKEND: product.backend, STORY_USER: user },
        RELAY: `http://127.0.0.1:${relay.port}`,
        FEW: await product.makeKey({ name: `few-${kind}`, roles: ['admin'], requests_per_hour: 2 }),
      };
      const seen = await tellStory(it, kind, env, relay.loseNextAnswer);
      assert.deepEqual(seen, seenBy(user));
    });
  }

  test('has whole types, and is typed itself', async ({ directory, run }) => {
    await copyFile(join(import.meta.dirname, 'sample.py'), join(directory, 'sample.py'));
    const flags = ['--strict', '--python-version', '3.10', '--cache-dir', join(directory, 'cache')];
    const check = (...files: string[]) =>
      run(['-m', 'mypy', ...flags, ...files]).catch(({ stdout }: { stdout: string }) => stdout);
    assert.match(await check('sample.py'), /^Success: no issues found in 1 source file/);
    const source = join(repository, 'clients', 'python', 'src', 'chaperone_support');
    assert.match(await check(source), /^Success: no issues found in \d+ source files/);
  });
});

/** Runs the story, and tells the relay when the story says that it is at that. @returns what it has printed */
async function tellStory(
  { directory }: PythonPackage,
  kind: string,
  env: NodeJS.ProcessEnv,
  loseNextAnswer: () => void,
): Promise<unknown[]> {
  const python = join(directory, 'environment', 'bin', 'python');
  const child = spawn(python, [join(import.meta.dirname, 'story.py'), kind], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const seen: unknown[] = [];
  for await (const line of createInterface(child.stdout)) {
    seen.push(JSON.parse(line));
    if (line !== '["relay"]') continue;
    loseNextAnswer();
    child.stdin.end('\n');
  }
  return seen;
}
