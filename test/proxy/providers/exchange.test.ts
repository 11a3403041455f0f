import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Agent } from 'undici';
import { Http1Client } from '../../../proxy/egress/http1/client.ts';
import { ProxyError } from '../../../proxy/error.ts';
import type { AnswerHeaders } from '../../../proxy/providers/answer-sink.ts';
import type { Connections } from '../../../proxy/providers/connections.ts';
import { makeExchange, type ProviderRequest, type Sent } from '../../../proxy/providers/exchange.ts';
import { providerTable } from '../../../proxy/providers/table.ts';
import { azureSettingsOf } from '../../../proxy/snapshot/azure-settings.ts';
import { atEnd } from '../../scope.ts';
import { connectionsOf } from '../egress/http1/own-connections.ts';
import { makeKey } from '../snapshot.ts';
import { makeRecordingSink } from './recording-sink.ts';

const key = makeKey('c1f0a4de-1c65-4c0e-8d5e-3a5b6e7f8091');

/** Both clients that an exchange may have. */
const clients: Readonly<Record<string, () => Connections & { destroy(): Promise<void> }>> = {
  undici: () => new Agent({ connections: 1, pipelining: 1 }),
  'our own': () => makeOwnClient(),
};

for (const [name, makeClient] of Object.entries(clients)) {
  describe(`an exchange over ${name}`, () => {
    /** An exchange with a provider that answers like this. */
    async function meet(t: TestContext, provider: RequestListener) {
      const server = createServer(provider).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const upstream = makeClient();
      atEnd(t, async () => {
        await upstream.destroy();
        server.closeAllConnections();
        server.close();
      });
      const { port } = server.address() as AddressInfo;
      const request: ProviderRequest = {
        method: 'POST',
        path: '/chat/completions',
        key: { ...key, provider: { ...key.provider, origin: `http://127.0.0.1:${port}`, basePath: '/v1' } },
        headers: { 'content-type': 'application/json' },
        body: '{}',
      };
      return { exchange: makeExchange(upstream), upstream, request };
    }

    test('a provider is asked at its path, with its key, for an uncompressed answer', async (t) => {
      const asked: { readonly request: IncomingMessage; readonly body: string }[] = [];
      const { exchange, request } = await meet(t, async (incoming, response) => {
        asked.push({ request: incoming, body: String(await buffer(incoming)) });
        response.end('Hi');
      });
      const { sink, told, over } = makeRecordingSink();
      exchange(request, sink);
      await over;
      assert.deepEqual(told, ['sent', 'head 200', 'chunk Hi', 'end']);
      const [{ request: incoming, body } = assert.fail()] = asked;
      assert.equal(`${incoming.method} ${incoming.url} ${body}`, 'POST /v1/chat/completions {}');
      assert.equal(incoming.headers.authorization, `Bearer ${key.secret}`);
      assert.equal(incoming.headers['accept-encoding'], 'identity');
    });

    test('an answer arrives unpacked, without the key, and without hop-by-hop headers', async (t) => {
      const { exchange, request } = await meet(t, (_request, response) => {
        response.writeHead(200, {
          'content-encoding': 'gzip',
          'set-cookie': 'a=b',
          'x-request-id': 'theirs',
          'x-key': key.secret,
        });
        response.end(gzipSync(`the key ${key.secret} is mine`));
      });
      let shown: AnswerHeaders = {};
      const { sink, told, over } = makeRecordingSink({
        head(_status, headers) {
          shown = headers;
        },
      });
      exchange(request, sink);
      await over;
      assert.deepEqual(told, ['sent', 'chunk the key [redacted] is mine', 'end']);
      const { 'x-key': quoted, 'x-upstream-request-id': id, ...others } = shown;
      assert.deepEqual([quoted, id], ['[redacted]', 'theirs']);
      assert.deepEqual(Object.keys(others), []);
    });

    test('an answer waits for its sink, and continues when the sink says so', async (t) => {
      const piece = Buffer.alloc(256 * 1024);
      const { exchange, request } = await meet(t, (_request, response) => {
        response.write(piece);
        response.end(piece);
      });
      let bytes = 0;
      let waits = 0;
      const { sink, over } = makeRecordingSink({
        chunk(chunk) {
          bytes += chunk.length;
          waits += 1;
          setImmediate(() => sent.resume());
          return false;
        },
      });
      const sent = exchange(request, sink);
      await over;
      assert.equal(bytes, 2 * piece.length);
      assert.ok(waits > 1);
    });

    test('a sink that throws gets its own error, and nothing more', async (t) => {
      const { exchange, request } = await meet(t, (_request, response) => {
        response.write('1');
        response.end('2');
      });
      const { sink, told, over } = makeRecordingSink({
        chunk() {
          throw new RangeError('too large');
        },
      });
      exchange(request, sink);
      await over;
      assert.deepEqual(told, ['sent', 'head 200', 'fail upstream_interrupted']);
    });

    test('a sink that throws at the end gets its own error', async (t) => {
      const { exchange, request } = await meet(t, (_request, response) => response.end());
      const { sink, told, over } = makeRecordingSink({
        end() {
          throw new RangeError('too large');
        },
      });
      exchange(request, sink);
      await over;
      assert.deepEqual(told, ['sent', 'head 200', 'fail upstream_interrupted']);
    });

    test('an aborted request fails at once, also while it waits for a connection', async (t) => {
      const { exchange, request } = await meet(t, () => {});
      const first = makeRecordingSink();
      const second = makeRecordingSink();
      const sent = exchange(request, first.sink);
      exchange(request, second.sink).abort(new Error('too late'));
      assert.deepEqual(second.told, ['fail upstream_unreachable']);
      sent.abort(new Error('too late'));
      await first.over;
      assert.equal(first.told.at(-1), 'fail upstream_unreachable');
    });

    test('an answer that breaks off fails', async (t) => {
      const { exchange, request } = await meet(t, (_request, response) => {
        response.writeHead(200, { 'content-length': '10' });
        response.write('1', () => response.destroy());
      });
      const { sink, told, over } = makeRecordingSink();
      exchange(request, sink);
      await over;
      assert.deepEqual(told, ['sent', 'head 200', 'chunk 1', 'fail upstream_interrupted']);
    });
  });
}

function makeOwnClient() {
  const client = new Http1Client();
  return { ...connectionsOf(client), destroy: async () => client.destroy() };
}

test('a sink hears of a failure within dispatch after the sender has the request, and of none that it drops', async () => {
  const failing: Connections = {
    dispatch(_request, handler) {
      // As undici does where it cannot take a request at all.
      handler.onResponseError?.(undefined as never, new Error('The client is destroyed'));
    },
  };
  const exchange = makeExchange(failing);
  const request: ProviderRequest = { method: 'POST', path: '/chat/completions', key, headers: {}, body: '{}' };
  let sent: Sent | undefined;
  let seen: Sent | undefined;
  const { promise: failed, resolve } = Promise.withResolvers<void>();
  const { sink } = makeRecordingSink({
    fail() {
      seen = sent;
      resolve();
    },
  });
  sent = exchange(request, sink);
  await failed;
  assert.ok(seen && seen === sent);
  const dropped = makeRecordingSink();
  exchange(request, dropped.sink).drop();
  await new Promise(setImmediate);
  assert.deepEqual(dropped.told, []);
});

test('a request waits for a token that is being fetched, and may be given up meanwhile', async (t) => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(String(request.headers.authorization));
    response.end('Hi');
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const agent = new Agent();
  atEnd(t, async () => {
    await agent.destroy();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const azure = azureSettingsOf({ entra: {} });
  const provider = { ...key.provider, type: 'azure' as const, azure, origin: `http://127.0.0.1:${port}`, basePath: '' };
  const { promise, resolve } = Promise.withResolvers<string | ProxyError>();
  const exchange = makeExchange(agent, providerTable, () => promise);
  const request: ProviderRequest = {
    method: 'POST',
    path: '/chat/completions',
    key: { ...key, provider },
    headers: {},
    body: '{}',
  };
  const [answered, aborted, dropped] = [makeRecordingSink(), makeRecordingSink(), makeRecordingSink()];
  exchange(request, answered.sink);
  exchange(request, aborted.sink).abort(new ProxyError('upstream_timeout'));
  exchange(request, dropped.sink).drop();
  assert.deepEqual(aborted.told, ['fail upstream_timeout']);
  resolve('a-token');
  await answered.over;
  assert.deepEqual(answered.told, ['sent', 'head 200', 'chunk Hi', 'end']);
  assert.deepEqual([asked, aborted.told.length, dropped.told], [['Bearer a-token'], 1, []]);
  const none = makeRecordingSink();
  makeExchange(agent, providerTable, async () => new ProxyError('upstream_no_credential'))(request, none.sink);
  await none.over;
  assert.deepEqual(none.told, ['fail upstream_no_credential']);
});
