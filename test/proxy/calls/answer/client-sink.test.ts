import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { ClientSink } from '../../../../proxy/calls/answer/client-sink.ts';
import { ProxyError } from '../../../../proxy/error.ts';
import { atEnd } from '../../../scope.ts';

/** Has a real client ask, and a sink answer it by `work`. */
async function ask(t: TestContext, work: (sink: ClientSink, response: ServerResponse) => void | Promise<void>) {
  const told: string[] = [];
  const server = createServer((_request, response) => {
    const sink = new ClientSink({
      response,
      ownHeaders: { 'x-request-id': 'req_1' },
      refuse: ({ code, status }) => response.writeHead(status).end(code),
      onDrain: () => told.push('drain'),
      onGone: () => told.push('gone'),
    });
    void work(sink, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(t, () => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { told, port, request: get({ host: '127.0.0.1', port, agent: false }) };
}

async function answerOf(request: ReturnType<typeof get>): Promise<IncomingMessage> {
  const [answer] = await once(request, 'response');
  return answer;
}

test('a client gets status, headers and bytes, and our headers replace the provider’s', async (t) => {
  const { request } = await ask(t, (sink) => {
    const text = Buffer.from('Grüße');
    sink.head(201, { 'x-request-id': 'theirs', 'x-many': ['a', 'b'], 'content-length': String(text.length) });
    sink.end(text);
  });
  const answer = await answerOf(request);
  assert.equal(answer.statusCode, 201);
  assert.equal(answer.headers['x-request-id'], 'req_1');
  assert.equal(answer.headers['x-many'], 'a, b');
  assert.equal(String(await buffer(answer)), 'Grüße');
});

test('a client gets the headers of a stream before its first chunk', async (t) => {
  let sink: ClientSink | undefined;
  const { request } = await ask(t, (made) => {
    sink = made;
    made.head(200, { 'content-type': 'text/event-stream' });
  });
  const answer = await answerOf(request);
  sink?.chunk(Buffer.from('data: 1\n\n'));
  sink?.end();
  assert.equal(String(await buffer(answer)), 'data: 1\n\n');
});

test('a failure before the answer is shown in the surface’s error envelope', async (t) => {
  const { request } = await ask(t, (sink) => {
    assert.equal(sink.hasBegun(), false);
    sink.fail(new ProxyError('upstream_timeout'));
  });
  const answer = await answerOf(request);
  assert.equal(answer.statusCode, 502);
  assert.equal(String(await buffer(answer)), 'upstream_timeout');
});

test('a stream that is cut has a last event, but its message has no end', async (t) => {
  const { request } = await ask(t, (sink) => {
    sink.head(200, {});
    assert.equal(sink.hasBegun(), true);
    sink.cut(': cut\n\n');
  });
  const answer = await answerOf(request);
  let text = '';
  await assert.rejects(async () => {
    for await (const chunk of answer) text += chunk;
  });
  assert.equal(text, ': cut\n\n');
});

test('the feeder of the sink is told to wait, and when to continue', async (t) => {
  let sink: ClientSink | undefined;
  const { request, told } = await ask(t, (made) => {
    sink = made;
    made.head(200, {});
    while (made.chunk(Buffer.alloc(64 * 1024)));
    assert.equal(made.chunk(Buffer.from('x')), false);
  });
  const answer = await answerOf(request);
  answer.on('data', () => {
    if (told.length > 0) sink?.end();
  });
  await once(answer, 'end');
  assert.deepEqual(told, ['drain']);
});

test('the client gets chunks of every size in order, however they fall into turns of the event loop', async (t) => {
  const sizes = [1, 100, 16 * 1024, 16 * 1024 + 1, 3, 300_000, 7, 0, 5];
  const chunks = sizes.map((size, index) => Buffer.alloc(size, 97 + index));
  for (const perTurn of [1, 2, 5, sizes.length]) {
    const { request } = await ask(t, async (sink) => {
      sink.head(200, { 'content-type': 'text/event-stream' });
      for (const [index, chunk] of chunks.entries()) {
        if (index % perTurn === 0) await new Promise(setImmediate);
        sink.chunk(chunk);
      }
      sink.end(Buffer.from('ü'));
    });
    const received = await buffer(await answerOf(request));
    assert.deepEqual(received, Buffer.concat([...chunks, Buffer.from('ü')]), `${perTurn} a turn`);
  }
});

test('a feeder of small chunks is told to wait, and when to continue', async (t) => {
  let sink: ClientSink | undefined;
  const { request, told } = await ask(t, async (made) => {
    sink = made;
    made.head(200, {});
    await new Promise(setImmediate);
    while (made.chunk(Buffer.alloc(1_000)));
    assert.equal(made.chunk(Buffer.from('x')), false);
  });
  const answer = await answerOf(request);
  answer.on('data', () => {
    if (told.length > 0) sink?.end();
  });
  await once(answer, 'end');
  assert.deepEqual(told, ['drain']);
});

test('a stream in HTTP/1.0 has no chunks, and one behind another answer waits for it', async (t) => {
  const sinks: ClientSink[] = [];
  const { port, request } = await ask(t, (sink) => void sinks.push(sink));
  request.on('error', () => {}).destroy();
  const read = async (requests: string, count: number) => {
    sinks.length = 0;
    const socket = connect(port, '127.0.0.1');
    atEnd(t, () => socket.destroy());
    socket.write(requests);
    while (sinks.filter((sink) => !sink.isGone()).length < count) await new Promise(setImmediate);
    for (const number of [1, 2]) {
      for (const sink of [...sinks].reverse()) {
        if (number === 1) sink.head(200, { 'content-type': 'text/event-stream' });
        await new Promise(setImmediate);
        sink.chunk(Buffer.from(`${number}`));
      }
    }
    for (const sink of [...sinks].reverse()) sink.end();
    return (await text(socket)).replace(/^(?:date|x-request-id|keep-alive|connection):.*\r\n/gim, '');
  };
  assert.equal(await read('GET / HTTP/1.0\r\n\r\n', 1), 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n12');
  const head = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n';
  const body = '1\r\n1\r\n1\r\n2\r\n0\r\n\r\n';
  const get = 'GET / HTTP/1.1\r\nhost: x\r\n';
  assert.equal(await read(`${get}\r\n${get}connection: close\r\n\r\n`, 2), `${head}${body}`.repeat(2));
});

test('a client that leaves is reported once, and gets nothing more', async (t) => {
  const gone = Promise.withResolvers<void>();
  let sink: ClientSink | undefined;
  const { request, told } = await ask(t, (made, response) => {
    sink = made;
    made.head(200, {});
    response.once('close', () => gone.resolve());
  });
  await answerOf(request);
  request.destroy();
  await gone.promise;
  sink?.leave();
  assert.deepEqual(told, ['gone']);
  assert.equal(sink?.isGone(), true);
  assert.equal(sink?.chunk(Buffer.from('x')), true);
  sink?.fail(new ProxyError('upstream_timeout'));
  sink?.end();
});

test('a client gets held chunks only after the hold, all of them and in order', async (t) => {
  let release = () => {};
  let isDone = false;
  const { request } = await ask(t, (sink) => {
    sink.head(200, { 'content-type': 'text/event-stream' });
    sink.chunk(Buffer.from('1'));
    release = sink.hold();
    assert.equal(sink.chunk(Buffer.from('2')), true);
    sink.end(Buffer.from('3'));
    sink.release(() => {
      isDone = true;
    });
  });
  const answer = await answerOf(request);
  const [first] = await once(answer, 'data');
  assert.deepEqual([String(first), isDone], ['1', false]);
  release();
  assert.equal(isDone, true);
  assert.equal(String(await buffer(answer)), '23');
});

test('an answer has begun once its head is there, even if it is held', async (t) => {
  const { request } = await ask(t, (sink) => {
    const release = sink.hold();
    sink.head(200, { 'content-length': '1' });
    assert.equal(sink.hasBegun(), true);
    sink.end(Buffer.from('1'));
    release();
  });
  assert.equal(String(await buffer(await answerOf(request))), '1');
});

test('a failure and a cut are held like an answer', async (t) => {
  const { request } = await ask(t, (sink) => {
    const release = sink.hold();
    sink.fail(new ProxyError('upstream_timeout'));
    release();
  });
  assert.equal((await answerOf(request)).statusCode, 502);
  const cut = await ask(t, (sink) => {
    sink.head(200, {});
    const release = sink.hold();
    sink.cut(': cut');
    release();
  });
  const answer = await answerOf(cut.request);
  await assert.rejects(async () => assert.equal(String(await buffer(answer)), ''));
});

test('an answer that cannot be written after a hold becomes a refusal, and other work of that turn is done', async (t) => {
  let isDone = false;
  const { request } = await ask(t, (sink) => {
    const release = sink.hold();
    sink.head(200, { 'x-from-provider': 'a\nb' });
    sink.end(Buffer.from('{}'));
    sink.release(() => {
      isDone = true;
    });
    release();
  });
  const answer = await answerOf(request);
  assert.equal(answer.statusCode, 502);
  assert.equal(String(await buffer(answer)), 'upstream_invalid_response');
  assert.ok(isDone);
});
