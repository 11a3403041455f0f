import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { until } from '../../until.ts';
import { markHeader, startUpstream } from './upstream.ts';

test('a request whose sender ends before its body has come is one of its call', async (t) => {
  const upstream = await startUpstream(t);
  const socket = connect(upstream.port, '127.0.0.1');
  const head = ['POST /v1/audio/transcriptions HTTP/1.1', 'host: provider', 'authorization: Bearer sk-test'];
  const form = ['content-type: multipart/form-data; boundary=b', 'content-length: 20000', `${markHeader}: mark-r1-7`];
  socket.write(`${[...head, ...form].join('\r\n')}\r\n\r\n--b\r\n`);
  await until(() => upstream.running() === 1, 'the request to arrive');
  socket.destroy();
  await until(() => upstream.running() === 0, 'the provider to notice');
  assert.deepEqual(
    upstream.asks().map(({ mark, end, billed }) => ({ mark, end, billed })),
    [{ mark: 'mark-r1-7', end: 'aborted', billed: 0 }],
  );
});
