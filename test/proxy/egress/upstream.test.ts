import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { type HttpClientName, makeUpstream } from '../../../proxy/egress/upstream.ts';
import type { ConnectionRequest } from '../../../proxy/providers/connections.ts';
import { isOurEnd, toProblem } from '../../../proxy/providers/failure.ts';
import { atEnd } from '../../scope.ts';

/** Connections to a server that answers with the body that it gets. */
async function meet(t: TestContext, httpClient?: HttpClientName) {
  const server = createServer(async (request, response) => response.end(await buffer(request)));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const upstream = await makeUpstream(undefined, httpClient);
  atEnd(t, async () => {
    await upstream.destroy();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const times = { headersTimeout: 0, bodyTimeout: 0, isTurnEnd: true };
  /** @returns the text of the answer, or why there is none */
  const ask = (body: ConnectionRequest['body']) =>
    new Promise<string | Error>((resolve) => {
      let text = '';
      upstream.dispatch(
        { method: 'POST', origin, path: '/', headers: [], body, ...times },
        {
          onRequestStart() {},
          onResponseStart() {},
          onResponseData: (_, bytes) => {
            text += bytes;
          },
          onResponseEnd: () => resolve(text),
          onResponseError: (_, error) => resolve(error),
        },
      );
    });
  return { upstream, ask };
}

for (const client of [undefined, 'undici'] as const) {
  test(`bodies of all kinds are sent (${client ?? 'our own client'})`, async (t) => {
    const { ask } = await meet(t, client);
    for (const body of ['text', Buffer.from('bytes'), null, Readable.from(['a', ' stream'])]) {
      const expected = body instanceof Readable ? 'a stream' : String(body ?? '');
      assert.equal(await ask(body), expected);
    }
  });
}

test('a stream that fails before it is sent fails its request', async (t) => {
  const { ask } = await meet(t);
  const body = new Readable({ read() {} });
  body.destroy(new Error('broken off'));
  const failure = await ask(body);
  assert.ok(failure instanceof Error);
  assert.match(failure.message, /broken off/);
});

test('nothing is sent any more when the connections are closed', async (t) => {
  const { ask, upstream } = await meet(t);
  await upstream.destroy();
  for (const body of ['text', Readable.from(['a stream'])]) {
    const failure = await ask(body);
    assert.ok(failure instanceof Error);
    assert.ok(isOurEnd(toProblem(failure, false)));
  }
});
