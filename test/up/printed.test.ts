import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { copyQuickstart, makeDataDirectory } from '../directories.ts';
import { commandOf } from '../program.ts';

import { atEnd } from '../scope.ts';
import { until } from '../until.ts';

test('what `chaperone up` prints works as pasted, for clients that send X-User-ID and for those that do not', async (t) => {
  const directory = await copyQuickstart(t);
  const data = await makeDataDirectory(t);
  const { OPENAI_BASE_URL: _, OPENAI_API_KEY: __, ...environment } = process.env;
  const args = ['up', directory, '--port', '0', '--metrics-port', '0', '--data', data];
  const up = spawn(process.execPath, commandOf(...args), { stdio: ['ignore', 'pipe', 'ignore'], env: environment });
  atEnd(t, async () => {
    if (up.exitCode === null && up.kill('SIGTERM')) await once(up, 'exit');
  });
  let printed = '';
  up.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    printed += chunk;
  });
  await until(async () => printed.includes('Ctrl-C stops everything.'), 'what it prints');

  const baseUrl = /^ +API +(\S+)$/m.exec(printed)?.[1];
  const token = /^ +token +(\S+) {2}\(with the header X-User-ID\)$/m.exec(printed)?.[1];
  const userToken = /^ +or +(\S+) {2}\(of you@example\.com: for clients that send no X-User-ID\)$/m.exec(printed)?.[1];
  const ask = async (bearer: string | undefined, headers: Readonly<Record<string, string>> = {}) => {
    const answer = await fetch(`${baseUrl}/responses`, {
      method: 'POST',
      headers: { authorization: `Bearer ${bearer}`, ...headers },
      body: JSON.stringify({ model: 'gpt-4o-mini', input: 'Hello!' }),
    });
    return `${answer.status} ${answer.ok ? '' : await answer.text()}`;
  };
  assert.match(await ask(token, { 'x-user-id': 'you@example.com' }), /^200/);
  assert.match(await ask(token), /^400 .*User not found: send .* X-User-ID, or use a token for one user/);
  assert.match(await ask(userToken), /^200/);
});
