import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { atEnd } from '../scope.ts';
import { openSandbox } from './open-sandbox.ts';

const main = fileURLToPath(new URL('../../sandbox/main.ts', import.meta.url));

test('it runs on its own: one line with its URL, and SIGTERM ends it', async (t) => {
  const child = spawn(process.execPath, [main, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  atEnd(t, () => child.kill('SIGKILL'));
  const [line] = await once(createInterface(child.stdout), 'line');
  const url = /http:\/\/127\.0\.0\.1:\d+\/v1/.exec(line)?.[0];
  const answer = await fetch(`${url}/models`, { headers: { authorization: 'Bearer k' } });
  assert.equal(answer.status, 200);
  await answer.text();
  child.kill('SIGTERM');
  assert.deepEqual(await once(child, 'exit'), [0, null]);
});

async function refusal(port: string): Promise<string> {
  const child = spawn(process.execPath, [main, '--port', port], { stdio: ['ignore', 'ignore', 'pipe'] });
  let message = '';
  child.stderr.on('data', (chunk) => {
    message += chunk;
  });
  assert.deepEqual(await once(child, 'close'), [1, null]);
  return message;
}

test('a wrong port is a clear message', async () => {
  assert.match(await refusal('http'), /^--port takes a number/);
});

test('a port in use is a clear message', async (t) => {
  const { url } = await openSandbox(t);
  assert.match(await refusal(new URL(url).port), /^The sandbox cannot start: .*EADDRINUSE/);
});
