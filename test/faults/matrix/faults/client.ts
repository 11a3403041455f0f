import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../../until.ts';
import { everyKind } from '../calls.ts';
import type { Fault, Strike } from '../fault.ts';

/** Raw connections to the proxy, which end with the fault. */
async function openSockets({ scope, proxy }: Strike, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  scope.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  while (sockets.length < count) {
    const some = Array.from({ length: Math.min(250, count - sockets.length) }, () =>
      connect(proxy.port, '127.0.0.1').on('error', () => {}),
    );
    sockets.push(...some);
    await Promise.all(some.map((socket) => once(socket, 'connect')));
  }
  return sockets;
}

/** The resident memory of a process, in bytes. */
async function memoryOf(strike: Strike): Promise<number> {
  const status = await readFile(`/proc/${strike.proxy.pid()}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]) * 1_024;
}

/** What a connection got until it was closed, or until it has this. */
async function textUntil(socket: Socket, end: RegExp | undefined, what: string): Promise<string> {
  let text = '';
  let closed = false;
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('close', () => {
    closed = true;
  });
  await until(() => closed || end?.test(text) === true, what, 120_000);
  return text;
}

const callHead = ({ stack }: Strike, path: string, more: string) =>
  `POST /v1${path} HTTP/1.1\r\nhost: proxy\r\nauthorization: Bearer ${stack.token}\r\nx-user-id: ada\r\ncontent-type: application/json\r\n${more}\r\n`;

/** Asserts that an answer is an error in the envelope of the API, with its code. */
function assertTold(answer: string, status: number, code: string): void {
  assert.match(answer, new RegExp(`^HTTP/1.1 ${status} `));
  const { error } = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4));
  assert.equal(error.code, code);
  assert.ok(error.message.length > 20, error.message);
}

export const client: readonly Fault[] = [
  {
    name: 'clients leave, at every stage',
    ...{ isCore: true, cuts: true, unknowns: true },
    load: {
      directives: (number) => `latency=${(number % 5) * 20},words=30,delta-delay=${number % 6}`,
      // Every kind of call in one round, none in the next.
      leaves: (number) => (Math.floor(number / everyKind.length) % 2 === 0 ? undefined : 1 + ((number * 7) % 250)),
    },
    strike: ({ calls }) => calls(250),
  },
  {
    name: 'clients read slowly, or not at all',
    async strike(strike) {
      const before = await memoryOf(strike);
      const sockets = await openSockets(strike, 10);
      const body = JSON.stringify({
        ...{ model: 'gpt-4o-mini', input: 'mark-slow-1', stream: true, store: false },
        metadata: { sandbox: 'words=40000' },
      });
      for (const socket of sockets) {
        socket.pause();
        socket.write(
          `${callHead(strike, '/responses', `x-session-id: slow\r\ncontent-length: ${body.length}\r\n`)}${body}`,
        );
      }
      await strike.answers(60);
      const grown = (await memoryOf(strike)) - before;
      // What nobody reads is not read from the provider either.
      assert.ok(grown < 40e6, `${grown / 1e6} MB more for 10 clients that do not read`);
      strike.note(`${(grown / 1e6).toFixed(0)} MB more for 10 clients that do not read their 8 MB`);
      strike.ignoreMark('mark-slow-1');
      for (const socket of sockets) socket.destroy();
    },
  },
  {
    name: 'a client sends several calls without waiting',
    async strike(strike) {
      const [socket] = await openSockets(strike, 1);
      assert.ok(socket);
      const calls = Array.from({ length: 10 }, (_, number) => {
        const body = JSON.stringify({ model: 'gpt-4o-mini', input: `mark-piped-${number}` });
        return `${callHead(strike, '/responses', `x-session-id: piped\r\ncontent-length: ${body.length}\r\n`)}${body}`;
      });
      socket.write(calls.join(''));
      const text = await textUntil(socket, /(HTTP\/1\.1 200 [\s\S]*?mark-piped-[0-9][\s\S]*?){10}/, 'ten answers');
      const order = [...text.matchAll(/"text":"[^"]*mark-piped-(\d)/g)].map(([, number]) => Number(number));
      assert.deepEqual(order, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      for (let number = 0; number < 10; number += 1) strike.ignoreMark(`mark-piped-${number}`);
    },
  },
  {
    name: '10,000 connections are idle',
    async strike(strike) {
      const before = await memoryOf(strike);
      await openSockets(strike, 10_000);
      await strike.answers(100);
      const grown = (await memoryOf(strike)) - before;
      strike.note(`${(grown / 1e6).toFixed(0)} MB more`);
      assert.ok(grown < 200e6, `${grown / 1e6} MB more`);
    },
  },
  {
    name: 'clients send their headers and bodies byte by byte',
    async strike(strike) {
      const sockets = await openSockets(strike, 200);
      const closed = sockets.map((socket) => textUntil(socket, undefined, 'a slow client to be refused'));
      const text = callHead(strike, '/responses', 'content-length: 100\r\n');
      let at = 0;
      const drip = setInterval(() => {
        for (const [number, socket] of sockets.entries()) {
          if (socket.writable) socket.write(number % 2 === 0 ? (text[at % text.length] ?? '') : at === 0 ? text : '');
        }
        at += 1;
      }, 1_000);
      try {
        await strike.answers(200);
        for (const answer of await Promise.all(closed)) assertTold(answer, 408, 'request_timeout');
      } finally {
        clearInterval(drip);
      }
    },
  },
  {
    name: 'clients send headers, paths and bodies beyond every bound',
    async strike(strike) {
      const [headers, path, body] = await openSockets(strike, 3);
      assert.ok(headers && path && body);
      headers.write(callHead(strike, '/responses', `x-large: ${'x'.repeat(100_000)}\r\n`));
      assertTold(await textUntil(headers, /\}\}$/, 'headers to be refused'), 431, 'headers_too_large');
      path.write(callHead(strike, `/responses?${'x'.repeat(100_000)}`, ''));
      assertTold(await textUntil(path, /\}\}$/, 'a path to be refused'), 431, 'headers_too_large');
      body.write(callHead(strike, '/responses', `content-length: ${8e9}\r\n`));
      assertTold(await textUntil(body, /\}\}$/, 'a body to be refused'), 413, 'request_too_large');
      await sleep(0);
      await strike.answers(40);
    },
  },
];
