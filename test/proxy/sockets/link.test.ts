import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { WebSocket, WebSocketServer } from 'ws';
import { makeInFlight } from '../../../proxy/in-flight.ts';
import { Link } from '../../../proxy/sockets/link.ts';
import { propertyRuns } from '../../property-runs.ts';
import { type Scope, suiteScope } from '../../scope.ts';

/** Two sockets that are connected. */
async function connected(scope: Pick<Scope, 'after'>): Promise<[here: WebSocket, there: WebSocket]> {
  const http = createServer();
  const server = new WebSocketServer({ server: http, maxPayload: 1024 * 1024 });
  await once(http.listen(0, '127.0.0.1'), 'listening');
  const opened = once(server, 'connection');
  const there = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`);
  await once(there, 'open');
  const [here] = (await opened) as [WebSocket];
  scope.after(() => {
    here.terminate();
    there.terminate();
    http.close();
  });
  return [here, there];
}

suite('a relay of two sockets', () => {
  const scope = suiteScope();

  test('passes every message once and in order, and holds little, however slow its handlers and readers are', async () => {
    const message = fc.record({ bytes: fc.integer({ min: 1, max: 60_000 }), waitMs: fc.constantFrom(0, 0, 0, 1, 3) });
    const stops = fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.array(message, { minLength: 1, maxLength: 150 }), stops, async (messages, pauses) => {
        const [clientHere, client] = await connected(scope);
        const [providerHere, provider] = await connected(scope);
        const memory = makeInFlight(64 * 1024 * 1024);
        const share = memory.open();
        let most = 0;
        const over = Promise.withResolvers<void>();
        const rest = { onProblem: assert.fail, onPassed: () => {}, onClose: () => over.resolve() };
        const to: Link = new Link({ socket: clientHere, share, onText: () => {}, ...rest });
        const from = new Link({
          ...{ socket: providerHere, share, ...rest },
          onText(text) {
            most = Math.max(most, memory.heldBytes());
            const { waitMs } = messages[Number(text.split(' ', 1)[0])] ?? { waitMs: 0 };
            if (waitMs === 0) to.send(text);
            else return delay(waitMs).then(() => to.send(text));
          },
        });
        to.slows(from);
        const got: number[] = [];
        const all = Promise.withResolvers<void>();
        client.on('message', (data) => {
          got.push(Number(String(data).split(' ', 1)[0]));
          if (got.length === messages.length) all.resolve();
        });
        for (const [at, { bytes }] of messages.entries()) provider.send(`${at} ${'x'.repeat(bytes)}`);
        for (const ms of pauses) {
          client.pause();
          await delay(ms);
          client.resume();
        }
        await all.promise;
        assert.deepEqual(
          got,
          messages.map((_, at) => at),
        );
        // The high-water mark, a message beyond it, and what had arrived before it was held.
        assert.ok(most < 1024 * 1024, `${most} bytes`);
        client.terminate();
        await over.promise;
        to.terminate();
        from.terminate();
      }),
      { numRuns: propertyRuns(25) },
    );
  });

  test('tells of bytes, of what is too large, and of what there is no memory for', async () => {
    const problems = async (memoryBytes: number, data: string | Buffer) => {
      const [here, there] = await connected(scope);
      const found = Promise.withResolvers<string>();
      new Link({
        socket: here,
        share: makeInFlight(memoryBytes).open(),
        onText: () => found.resolve('taken'),
        ...{ onClose: () => {}, onPassed: () => {}, onProblem: ({ code }) => found.resolve(code) },
      });
      there.on('error', () => {});
      there.send(data);
      return found.promise;
    };
    assert.equal(await problems(1_000_000, 'text'), 'taken');
    assert.equal(await problems(1_000_000, Buffer.from('bytes')), 'invalid_request');
    assert.equal(await problems(100, 'x'.repeat(200)), 'overloaded');
    assert.equal(await problems(10_000_000, 'x'.repeat(2_000_000)), 'request_too_large');
  });

  test('notices a side that answers no pings', async () => {
    const [here, there] = await connected(scope);
    const share = makeInFlight(1_000_000).open();
    const link = new Link({ socket: here, share, onText() {}, onClose() {}, onProblem() {}, onPassed() {} });
    assert.equal(link.isAlive(), true);
    await once(here, 'pong');
    assert.equal(link.isAlive(), true);
    there.pause();
    await delay(20);
    link.isAlive();
    await delay(20);
    assert.equal(link.isAlive(), false);
  });
});
