// The load generator, in its own process. It is a closed loop: each connection sends its next request when it has its
// answer. So a slow server gets fewer requests, and latencies include no queueing.
import { randomUUID } from 'node:crypto';
import { type Connection, openConnection } from './connection.ts';
import type { Load, Measured } from './load.ts';

process.on('message', (load: Load) => void run(load).then((measured) => process.send?.(measured)));
process.on('disconnect', () => process.exit());
process.send?.('ready');

async function run({ port, connections: count, seconds, headers, body, varies = false }: Load): Promise<Measured> {
  const connections = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const request = makeRequest(headers, body, index);
      const connection = await openConnection(port, request);
      return varies ? varying(connection, request) : connection;
    }),
  );
  const latenciesMs: number[] = [];
  const startedAt = performance.now();
  const deadline = startedAt + seconds * 1_000;
  const failures = await Promise.all(connections.map((connection) => repeat(connection, deadline, latenciesMs)));
  const elapsedMs = performance.now() - startedAt;
  for (const connection of connections) connection.close();

  latenciesMs.sort((a, b) => a - b);
  const percentileUs = (share: number) => (latenciesMs[Math.floor(latenciesMs.length * share)] ?? 0) * 1_000;
  return {
    calls: latenciesMs.length,
    failures: failures.reduce((sum, each) => sum + each, 0),
    perSecond: (latenciesMs.length / elapsedMs) * 1_000,
    p50Us: percentileUs(0.5),
    p99Us: percentileUs(0.99),
  };
}

const filler = 'x'.repeat(32);

/** Writes another text into the request before each call. The call before has been answered by then. */
function varying(connection: Connection, request: Buffer): Connection {
  const at = request.lastIndexOf(filler);
  return {
    ...connection,
    exchange() {
      request.write(randomUUID().replaceAll('-', ''), at, 'latin1');
      return connection.exchange();
    },
  };
}

/** Ends after an answer, never in the middle of a call, so that every call can be checked. */
async function repeat(connection: Connection, deadline: number, latenciesMs: number[]): Promise<number> {
  for (;;) {
    const sentAt = performance.now();
    if (sentAt >= deadline) return 0;
    const status = await connection.exchange();
    if (status !== 200) return 1;
    latenciesMs.push(performance.now() - sentAt);
  }
}

/** Each connection has its own user and session. */
function makeRequest(headers: Load['headers'], body: string, index: number): Buffer {
  const lines = Object.entries({
    ...headers,
    host: '127.0.0.1',
    'content-type': 'application/json',
    'content-length': String(Buffer.byteLength(body)),
    'x-user-id': `user-${index}@example.com`,
    'x-session-id': `sess_bench_${index}`,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.from(`POST /v1/chat/completions HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
}
