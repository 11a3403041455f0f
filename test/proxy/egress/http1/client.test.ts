import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Dispatcher } from 'undici';
import { Http1Client, type WholeRequest } from '../../../../proxy/egress/http1/client.ts';
import { isOurEnd, toProblem } from '../../../../proxy/providers/failure.ts';
import { atEnd } from '../../../scope.ts';
import { type RawServerOptions, startRawServer } from './raw-server.ts';

const answer = (text: string, headers = '') =>
  `HTTP/1.1 200 OK\r\n${headers}content-length: ${text.length}\r\n\r\n${text}`;

type Respond = RawServerOptions['onRequest'];

/** A client, and a server that answers like this. */
async function meet(t: TestContext, onRequest: Respond, more: Partial<RawServerOptions> = {}) {
  const client = new Http1Client();
  atEnd(t, () => client.destroy());
  const server = await startRawServer(t, { onRequest, ...more });
  const ask = (changes: Partial<WholeRequest> = {}, hears: Partial<Dispatcher.DispatchHandler> = {}) =>
    send(client, { origin: server.origin, ...changes }, hears);
  return { client, server, ask };
}

/** @returns the text of the answer, or the code or the message of the failure */
function send(
  client: Http1Client,
  changes: Pick<WholeRequest, 'origin'> & Partial<WholeRequest>,
  hears: Partial<Dispatcher.DispatchHandler> = {},
): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  let text = '';
  client.send(
    {
      method: 'POST',
      path: '/',
      headers: [],
      body: '{}',
      headersTimeout: 0,
      bodyTimeout: 0,
      isTurnEnd: true,
      ...changes,
    },
    {
      onResponseData: (_, bytes) => {
        text += bytes;
      },
      onResponseEnd: () => resolve(text),
      onResponseError: (_, error) => resolve('code' in error ? String(error.code) : error.message),
      ...hears,
    },
  );
  return promise;
}

/** Long enough for a connection to be free again. */
async function rest(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await nextTurn();
}

test('a connection carries one answer after another', async (t) => {
  const { ask, server } = await meet(t, (socket, _, connection) => socket.write(answer(`from ${connection}`)));
  for (let call = 0; call < 3; call += 1) {
    assert.equal(await ask(), 'from 1');
    await rest();
  }
  assert.equal(server.connections(), 1);
});

test('each request that is under way has its own connection', async (t) => {
  const { ask, server } = await meet(t, (socket, _, connection) => socket.write(answer(`from ${connection}`)));
  const answers = await Promise.all([ask(), ask(), ask()]);
  assert.deepEqual(answers.toSorted(), ['from 1', 'from 2', 'from 3']);
  await rest();
  await ask();
  assert.equal(server.connections(), 3);
});

const notKept: readonly { readonly name: string; readonly bytes: string; readonly text: string }[] = [
  { name: 'says that it closes', bytes: answer('a', 'Connection: Close\r\n'), text: 'a' },
  { name: 'speaks HTTP/1.0', bytes: answer('a').replace('1.1', '1.0'), text: 'a' },
  { name: 'keeps it for too short a time', bytes: answer('a', 'keep-alive: timeout=2\r\n'), text: 'a' },
  { name: 'sends another answer behind', bytes: answer('a') + answer('forged'), text: 'a' },
  { name: 'sends a line break behind', bytes: `${answer('a')}\r\n`, text: 'a' },
  { name: 'states a body where there is none', bytes: 'HTTP/1.1 204 No\r\ncontent-length: 1\r\n\r\n', text: '' },
];

for (const { name, bytes, text } of notKept) {
  test(`a connection is not used again whose server ${name}`, async (t) => {
    const { ask } = await meet(t, (socket, _, connection) => socket.write(connection === 1 ? bytes : answer('second')));
    assert.equal(await ask(), text);
    await rest();
    assert.equal(await ask(), 'second');
  });
}

test('a kept connection of HTTP/1.0 is used again', async (t) => {
  const kept = answer('a', 'connection: keep-alive\r\n').replace('1.1', '1.0');
  const { ask, server } = await meet(t, (socket) => socket.write(kept));
  await ask();
  await rest();
  await ask();
  assert.equal(server.connections(), 1);
});

/** Answers truly, and adds a forged answer on the first connection when it is told to. */
function makeForger() {
  let forge = () => {};
  const respond: Respond = (socket, _, connection) => {
    if (connection === 1) forge = () => void socket.write(answer('forged'));
    socket.write(answer(`from ${connection}`));
  };
  return { respond, forge: () => forge() };
}

test('what comes right behind an answer is not the answer to the next request', async (t) => {
  const { respond, forge } = makeForger();
  const { ask } = await meet(t, respond);
  const { promise, resolve } = Promise.withResolvers<string>();
  // In the turn in which the first answer ends.
  const onResponseEnd = () => {
    forge();
    resolve(ask());
  };
  void ask({}, { onResponseEnd });
  assert.equal(await promise, 'from 2');
});

test('what has come on an idle connection is not the answer to a request that waits for the end of its turn', async (t) => {
  const { respond, forge } = makeForger();
  const { ask } = await meet(t, respond);
  assert.equal(await ask(), 'from 1');
  await rest();
  forge();
  assert.equal(await ask({ isTurnEnd: false }), 'from 2');
});

test('what comes on an idle connection ends it', async (t) => {
  const sockets: Socket[] = [];
  const { ask } = await meet(t, (socket, _, connection) => {
    sockets.push(socket);
    socket.write(answer(`from ${connection}`));
  });
  assert.equal(await ask(), 'from 1');
  await rest();
  const [first = assert.fail()] = sockets;
  first.write(answer('forged'));
  await once(first, 'close');
  assert.equal(await ask(), 'from 2');
});

test('a request that waits for the end of its turn is sent on a connection that is kept', async (t) => {
  const { ask } = await meet(t, (socket, _, connection) => socket.write(answer(`from ${connection}`)));
  await ask();
  await rest();
  assert.equal(await ask({ isTurnEnd: false }), 'from 1');
});

test('a connection that the server has closed is not used again', async (t) => {
  const { ask } = await meet(t, (socket, _, connection) => {
    socket.write(answer(`from ${connection}`));
    socket.end();
  });
  assert.equal(await ask(), 'from 1');
  await rest();
  assert.equal(await ask(), 'from 2');
});

test('a connection that answers before it has the request is not used again', async (t) => {
  const onConnection = (socket: Socket, connection: number) => {
    if (connection > 1) return;
    socket.removeAllListeners('data').pause();
    socket.write(answer('early'));
  };
  const { ask } = await meet(t, (socket, _, connection) => socket.write(answer(`from ${connection}`)), {
    onConnection,
  });
  assert.equal(await ask({ body: Buffer.alloc(32 * 1024 * 1024, 'a') }), 'early');
  await rest();
  assert.equal(await ask(), 'from 2');
});

const bodies: Readonly<Record<string, string | Buffer>> = {
  'a text': '{"a":1}',
  'a text that is not ASCII': '{"a":"ü€😀"}',
  'a large text that is not ASCII': '€'.repeat(100_000),
  bytes: Buffer.from([0, 255, 128]),
  'many bytes': Buffer.alloc(200_000, 'ab'),
  nothing: '',
};

for (const [name, body] of Object.entries(bodies)) {
  test(`a body of ${name} arrives as it is`, async (t) => {
    let arrived = Buffer.alloc(0);
    const { ask, server } = await meet(t, (socket, request) => {
      arrived = Buffer.from(request);
      socket.write(answer(''));
    });
    await ask({ path: '/v1/a?b=c', headers: ['x-a', 'é', 'accept', '*/*'], body });
    const expected = Buffer.from(body);
    const head = [
      'POST /v1/a?b=c HTTP/1.1',
      `host: 127.0.0.1:${server.port}`,
      'connection: keep-alive',
      'x-a: é',
      'accept: */*',
      `content-length: ${expected.length}`,
    ];
    assert.deepEqual(arrived, Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), expected]));
  });
}

test('a request without a body has no length', async (t) => {
  let arrived = '';
  const { ask } = await meet(t, (socket, request) => {
    arrived = String(request);
    socket.write(answer(''));
  });
  await ask({ method: 'GET', body: null });
  assert.match(arrived, /^GET \/ HTTP\/1\.1\r\nhost: [\d.:]+\r\nconnection: keep-alive\r\n\r\n$/);
});

const unsendable: readonly Partial<WholeRequest>[] = [
  { headers: ['x-a', 'b\r\nx-c: d'] },
  { headers: ['x-a', 'b\0'] },
  { headers: ['x-a', '€'] },
  { headers: ['x a', 'b'] },
  { headers: ['', 'b'] },
  { headers: ['Transfer-Encoding', 'chunked'] },
  { headers: ['content-length', '1'] },
  { headers: ['Host', 'elsewhere'] },
  { path: '/a b' },
  { path: '/a\r\nx-c:d' },
  { path: 'a' },
];

for (const changes of unsendable) {
  test(`a request with ${JSON.stringify(changes)} is not sent`, async (t) => {
    const { ask, server } = await meet(t, () => assert.fail('It was sent'));
    assert.equal(await ask(changes), 'UND_ERR_INVALID_ARG');
    assert.equal(server.connections(), 0);
  });
}

test('an answer must begin in time', async (t) => {
  const { ask } = await meet(t, (socket) => socket.write('HTTP/1.1 200 OK\r\n'));
  assert.equal(await ask({ headersTimeout: 1 }), 'UND_ERR_HEADERS_TIMEOUT');
});

test('an answer must go on in time', async (t) => {
  const { ask } = await meet(t, (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nsome'));
  assert.equal(await ask({ bodyTimeout: 1 }), 'UND_ERR_BODY_TIMEOUT');
});

test('an answer whose reader pauses has time', async (t) => {
  const { ask } = await meet(t, (socket) => socket.write(answer('some')));
  const { promise: paused, resolve } = Promise.withResolvers<Dispatcher.DispatchController>();
  let hasEnded = false;
  void ask(
    { bodyTimeout: 1 },
    {
      onResponseData(controller) {
        controller.pause();
        resolve(controller);
      },
      onResponseEnd() {
        hasEnded = true;
      },
    },
  );
  const controller = await paused;
  // Another request is timed out meanwhile, so the deadlines were looked at.
  const late = await meet(t, () => {});
  assert.equal(await late.ask({ headersTimeout: 1 }), 'UND_ERR_HEADERS_TIMEOUT');
  assert.ok(!hasEnded);
  controller.resume();
  assert.ok(hasEnded);
});

test('a connection whose reader has paused is read again', async (t) => {
  const { ask, server } = await meet(t, (socket) => socket.write(answer('some')));
  const { promise, resolve } = Promise.withResolvers<void>();
  const onResponseData = (controller: Dispatcher.DispatchController) => {
    controller.pause();
    setImmediate(() => controller.resume());
  };
  void ask({}, { onResponseData, onResponseEnd: () => resolve() });
  await promise;
  await rest();
  assert.equal(await ask(), 'some');
  assert.equal(server.connections(), 1);
});

test('an answer that is whole is not lost with its connection while its reader pauses', async (t) => {
  const { ask } = await meet(t, (socket) => {
    socket.write(answer('whole'));
    socket.resetAndDestroy();
  });
  let text = '';
  const { promise, resolve } = Promise.withResolvers<string>();
  void ask(
    {},
    {
      onResponseData(controller, bytes) {
        text += bytes;
        controller.pause();
        setTimeout(() => controller.resume(), 20);
      },
      onResponseEnd: () => resolve(text),
      onResponseError: (_, error) => resolve(error.message),
    },
  );
  assert.equal(await promise, 'whole');
});

test('an idle connection is closed after the time that its server states', async (t) => {
  let closed: Promise<unknown> | undefined;
  const { ask } = await meet(t, (socket) => {
    closed = once(socket, 'close');
    socket.write(answer('a', 'keep-alive: timeout=3\r\n'));
  });
  await ask();
  await closed;
});

test('an aborted request closes its connection, and hears of nothing more', async (t) => {
  let closed: Promise<unknown> | undefined;
  const { ask } = await meet(t, (socket) => {
    closed = once(socket, 'close');
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nsome');
  });
  assert.equal(await ask({}, { onResponseData: (controller) => controller.abort(new Error('enough')) }), 'enough');
  await closed;
});

test('what was sent before the connection breaks is told before the break', async (t) => {
  const { ask } = await meet(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nsome');
    socket.end();
  });
  const told: string[] = [];
  const failure = await ask({}, { onResponseData: (_, bytes) => void told.push(String(bytes)) });
  assert.deepEqual([...told, failure], ['some', 'UND_ERR_SOCKET']);
});

test('a closed client ends what is under way, and takes nothing more', async (t) => {
  const { ask, client } = await meet(t, () => client.destroy());
  assert.equal(await ask(), 'UND_ERR_DESTROYED');
  const { promise, resolve } = Promise.withResolvers<Error>();
  void ask({}, { onResponseError: (_, error) => resolve(error) });
  assert.ok(isOurEnd(toProblem(await promise, false)));
});

test('a server that cannot be reached is told at once', async (t) => {
  const { client } = await meet(t, () => {});
  assert.equal(await send(client, { origin: 'http://127.0.0.1:1' }), 'ECONNREFUSED');
});
