import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { Agent } from 'undici';
import { Http1Client } from '../../../proxy/egress/http1/client.ts';
import type { AnswerHeaders } from '../../../proxy/providers/answer-sink.ts';
import type { Connections } from '../../../proxy/providers/connections.ts';
import { makeExchange, type ProviderRequest } from '../../../proxy/providers/exchange.ts';
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
