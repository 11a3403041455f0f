import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { before, describe, it } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { LiveSession } from '../../../proxy/sockets/live/session.ts';
import { defaultLimits, type Opened } from '../../../proxy/sockets/session.ts';
import { suiteScope } from '../../scope.ts';

/** Sessions of those who watch, over real sockets. */
describe('a session of somebody who watches', () => {
  const scope = suiteScope();
  let server: WebSocketServer;
  before(async () => {
    server = new WebSocketServer({ port: 0, perMessageDeflate: false });
    await once(server, 'listening');
    scope.after(() => {
      for (const client of server.clients) client.terminate();
      server.close();
    });
  });
  const open = async (options: { readonly autoPong?: boolean } = {}) => {
    const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`, options);
    const [socket] = (await once(server, 'connection')) as [WebSocket];
    const joined = new Set<object>();
    let isOver = false;
    const refused: string[] = [];
    const opened = {
      client: socket,
      onPassed() {},
      onRefused: ({ code }: { code: string }) => refused.push(code),
      onOver: () => {
        isOver = true;
      },
      first: { caller: {}, inForce: {} },
    };
    const session = new LiveSession(opened as unknown as Opened, {
      limits: defaultLimits,
      hub: { join: (member) => joined.add(member), leave: (member) => joined.delete(member) },
      requireWatcher() {},
    });
    if (client.readyState !== WebSocket.OPEN) await once(client, 'open');
    return { client, session, joined, refused, isOver: () => isOver };
  };

  it('is ended where the client does not answer a ping', async () => {
    const { client, session, joined, isOver } = await open({ autoPong: false });
    session.tick();
    await once(client, 'ping');
    const closed = once(client, 'close');
    session.tick();
    await closed;
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([joined.size, isOver()], [0, true]);
  });

  it('goes on where it does', async () => {
    const { client, session } = await open();
    for (let time = 0; time < 3; time += 1) {
      const ponged = once([...server.clients].at(-1) as WebSocket, 'pong');
      session.tick();
      await ponged;
    }
    assert.equal(client.readyState, WebSocket.OPEN);
  });

  it('is cut where the client does not read, before much waits for it', async () => {
    const { client, session, joined, refused } = await open();
    client.pause();
    const message = Buffer.alloc(64 * 1024, 'x');
    let sent = 0;
    while (joined.size > 0 && sent < 10_000) {
      session.send(message);
      sent += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
    // What the buffers of the kernel take, and a quarter of a megabyte.
    assert.ok(sent < 1_000, `${sent} messages of 64 KiB`);
    assert.deepEqual([joined.size, refused], [0, ['session_expired']]);
  });

  it('is told to go when the process stops', async () => {
    const { client, session } = await open();
    const closed = once(client, 'close');
    session.goAway();
    const [code, reason] = await closed;
    assert.deepEqual([code, String(reason)], [1001, 'shutting_down']);
  });
});
