import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { repository } from '../../directories.ts';
import { atEnd } from '../../scope.ts';

test('the example of an external check keeps to the contract', async (t) => {
  const program = join(repository, 'examples', 'guardrail-check', 'server.mjs');
  const server = spawn(process.execPath, [program, 'Falcon'], { env: { ...process.env, PORT: '0' } });
  atEnd(t, () => server.kill());
  const [line] = await once(server.stdout, 'data');
  const { port } = JSON.parse(String(line));
  const ask = async (body: object) => {
    const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: JSON.stringify(body) });
    return answer.ok ? answer.json() : answer.status;
  };
  assert.deepEqual(await ask({ version: 1, texts: ['Hello'] }), { verdict: 'pass' });
  assert.deepEqual(await ask({ version: 1, texts: ['Hello', 'the falcon'] }), { verdict: 'block' });
  assert.equal(await ask({ version: 2, texts: [] }), 400);
});
