import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { startProxy } from '../../proxy-process.ts';
import { runCli } from '../../run-cli.ts';
import { suiteScope } from '../../scope.ts';
import { type Stack, startStack } from '../../stack.ts';
import { startRawServer } from './http1/raw-server.ts';

const completion = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'gpt-4o-mini',
  choices: [{ index: 0, message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }],
  usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
});
/** undici skips the line break before it. Our own client refuses what does not begin with a status line. */
const answer = `\r\nHTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${completion.length}\r\n\r\n${completion}`;

suite('a provider whose answers only undici reads', () => {
  const scope = suiteScope();
  let stack: Stack;

  before(async () => {
    const server = await startRawServer(scope, { onRequest: (socket) => socket.write(answer) });
    stack = await startStack(scope, { upstreamUrl: `${server.origin}/v1` });
  });

  const call = async ({ port }: { readonly port: number }) => {
    const response = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob', 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] }),
    });
    return { status: response.status, text: await response.text() };
  };

  test('is not understood by our own client', async () => {
    const { status, text } = await call(stack.proxy);
    assert.equal(status, 502);
    assert.match(text, /upstream_invalid_response/);
  });

  test('is understood by a proxy with CHAPERONE_HTTP_CLIENT=undici', async (t) => {
    const proxy = await startProxy(t, { ...stack, environment: { CHAPERONE_HTTP_CLIENT: 'undici' } });
    assert.deepEqual(await call(proxy), { status: 200, text: completion });
  });
});

for (const command of ['proxy', 'worker']) {
  test(`${command} refuses a client that it does not know`, async () => {
    const args = [command, '--credentials', '/nowhere', '--data', '/nowhere'];
    const { code, stderr } = await runCli(args, { CHAPERONE_HTTP_CLIENT: 'fetch' });
    assert.equal(code, 1);
    assert.match(stderr, /'fetch' from env 'CHAPERONE_HTTP_CLIENT' is invalid\. Allowed choices are own, undici\./);
  });
}
