import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ConnectionLost, makeFrames } from '../../trainer/group/frames.ts';
import { until } from '../until.ts';

const periodMs = 10;
/** The length of a frame that says only that a pod is there. */
const aliveBytes = 5;

/** Two ends of a connection. */
async function connectPair(t: TestContext): Promise<readonly [Socket, Socket]> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const one = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [other] = (await once(server, 'connection')) as [Socket];
  t.after(() => {
    one.destroy();
    other.destroy();
    server.close();
  });
  return [one, other];
}

test('a pod that is gone without a word is noticed, also where something sent was not confirmed', async (t) => {
  const [one, other] = await connectPair(t);
  // Nothing is read and nothing said, as by a pod whose network is gone.
  other.pause();
  const frames = makeFrames(one, periodMs);
  await frames.send('gradient', Buffer.alloc(16 * 1024 * 1024));
  await assert.rejects(frames.expect('sum'), ConnectionLost);
  assert.equal(frames.isOpen, false);
});

test('pods that have nothing to say for long stay connected', async (t) => {
  const [one, other] = await connectPair(t);
  const [waits, says] = [makeFrames(one, periodMs), makeFrames(other, periodMs)];
  const begun = waits.expect('begin');
  await until(
    () => one.bytesRead >= 40 * aliveBytes && other.bytesRead >= 40 * aliveBytes,
    'more periods than a silent pod has',
  );
  await says.send('begin', Buffer.from('now'));
  assert.equal((await begun).toString(), 'now');
});

test('a pod that is busy and reads nothing is not taken for one that is gone', async (t) => {
  const [one, other] = await connectPair(t);
  const [busy, waits] = [makeFrames(one, periodMs), makeFrames(other, periodMs)];
  const payload = Buffer.alloc(1024 * 1024, 7);
  void waits.send('gradient', payload);
  await until(() => other.bytesRead >= 40 * aliveBytes, 'more periods than a silent pod has');
  assert.deepEqual((await busy.expect('gradient')).equals(payload), true);
});

test('a connection ends though the other pod has said more than was read', async (t) => {
  const [one, other] = await connectPair(t);
  const [ends, hears] = [makeFrames(one, periodMs), makeFrames(other, periodMs)];
  await until(() => one.readableLength >= 3 * aliveBytes, 'frames that nobody has read');
  await ends.send('done', Buffer.alloc(0));
  const ended = ends.end();
  await hears.expect('done');
  hears.destroy();
  await ended;
});
