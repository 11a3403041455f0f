import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { before, describe, it } from 'node:test';
import OpenAI from 'openai';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';

const mebibyte = 1024 * 1024;

/** What bodies hold of memory is bounded in all: a real proxy process that may hold 8 MiB. */
describe('bodies in flight', () => {
  const scope = suiteScope();
  let stack: Stack;
  let answer: (request: IncomingMessage, response: ServerResponse) => void;

  before(async () => {
    const server = createServer((incoming, response) => answer(incoming, response));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    scope.after(async () => server.close().closeAllConnections());
    stack = await startStack(scope, {
      upstreamUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
      proxyArguments: ['--max-in-flight-bytes', String(8 * mebibyte), '--stall', '2'],
    });
  });

  const headers = () => ({ authorization: `Bearer ${stack.token}`, 'x-user-id': 'bob' });
  /** A request of which the test writes the body itself. */
  const open = (path: string, more: Record<string, string | number> = {}) => {
    const { hostname, port, pathname } = new URL(`${stack.baseUrl}${path}`);
    const sent = request({ hostname, port, path: pathname, method: 'POST', headers: { ...headers(), ...more } });
    sent.on('error', () => {});
    const answered = once(sent, 'response').then(async ([response]: IncomingMessage[]) => {
      const chunks: Buffer[] = [];
      for await (const chunk of response ?? []) chunks.push(chunk);
      const { error } = JSON.parse(Buffer.concat(chunks).toString() || '{}');
      return { status: response?.statusCode, headers: response?.headers, error };
    });
    return { sent, answered };
  };
  const held = async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${stack.proxy.metricsPort}/metrics`)).text();
    return Number(/^chaperone_in_flight_bytes\{[^}]*\} (\d+)$/m.exec(metrics)?.[1]);
  };
  const heldIsNothing = () => until(async () => (await held()) === 0, 'everything to be given back');
  const bodyOf = (bytes: number) => JSON.stringify({ model: 'gpt-4o', input: 'x'.repeat(bytes) });

  it('are given back when the call is over', async () => {
    const during = Promise.withResolvers<number>();
    answer = (incoming, response) => {
      incoming.resume().once('end', async () => {
        during.resolve(await held());
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"id":"resp_1","status":"completed"}');
      });
    };
    const client = new OpenAI({ baseURL: stack.baseUrl, apiKey: stack.token, defaultHeaders: { 'X-User-ID': 'bob' } });
    await client.responses.create({ model: 'gpt-4o', input: 'x'.repeat(100_000) });
    assert.ok((await during.promise) >= 300_000);
    await heldIsNothing();
  });

  it('are refused beyond the bound, before they are read where their size is announced', async () => {
    // They hold what they have: as chunks, so that nothing is said of their length.
    const holding = Array.from({ length: 5 }, () => open('/responses'));
    for (const { sent } of holding) sent.write(bodyOf(1.1 * mebibyte).slice(0, -2));
    await until(async () => (await held()) > 5 * mebibyte, 'the bodies to be held');
    for (const path of ['/responses', '/conversations', '/personas', '/analysis']) {
      const { sent, answered } = open(path, { 'content-length': 2 * mebibyte });
      sent.flushHeaders();
      const refused = await answered;
      assert.deepEqual(
        [refused.status, refused.error.code, refused.headers?.['retry-after']],
        [503, 'overloaded', '1'],
      );
      assert.equal(refused.error.type, 'server_error');
      sent.destroy();
    }
    const chunked = open('/responses');
    chunked.sent.write(bodyOf(2 * mebibyte));
    assert.equal((await chunked.answered).error.code, 'overloaded');
    // What stalls is ended, and gives back what it held.
    for (const { answered } of holding) {
      const stalled = await answered;
      assert.deepEqual([stalled.status, stalled.error.code], [408, 'request_timeout']);
      assert.equal(stalled.headers?.connection, 'close');
    }
    await heldIsNothing();
  });

  it('that never fit get an error that says so', async () => {
    const { sent, answered } = open('/responses', { 'content-length': 7 * mebibyte });
    sent.flushHeaders();
    const { status, error } = await answered;
    assert.deepEqual([status, error.code], [413, 'request_too_large']);
    assert.match(error.message, /--max-in-flight-bytes/);
    sent.destroy();
    // Small as text, large as what it says.
    const brackets = open('/responses');
    brackets.sent.end(`{"model":"gpt-4o","input":[${'[],'.repeat(300_000)}[]]}`);
    assert.equal((await brackets.answered).error.code, 'request_too_large');
    await heldIsNothing();
  });

  it('of forms that wait for their model count, too, and time out', async () => {
    const form = open('/audio/transcriptions', { 'content-type': 'multipart/form-data; boundary=B' });
    form.sent.write('--B\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n');
    form.sent.write(Buffer.alloc(mebibyte, 'x'));
    await until(async () => (await held()) >= mebibyte, 'the form to be held');
    const more = open('/audio/transcriptions', { 'content-type': 'multipart/form-data; boundary=B' });
    more.sent.write('--B\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n');
    more.sent.write(Buffer.alloc(5.5 * mebibyte, 'x'));
    assert.equal((await more.answered).error.code, 'overloaded');
    assert.equal((await form.answered).error.code, 'request_timeout');
    await heldIsNothing();
  });

  it('of answers that are read whole are bounded, too', async () => {
    answer = (incoming, response) => {
      incoming.resume();
      response.writeHead(200, { 'content-type': 'application/json' }).end(`{"id":"${'x'.repeat(3 * mebibyte)}"}`);
    };
    for (const [path, body] of [
      ['/responses', bodyOf(1)],
      ['/conversations', '{}'],
    ] as const) {
      const { sent, answered } = open(path);
      sent.end(body);
      const { status, error } = await answered;
      assert.deepEqual([status, error?.code], [503, 'overloaded'], path);
    }
    await heldIsNothing();
  });
});
