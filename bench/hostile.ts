import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from '../scripts/build.ts';
import type { Benchmark, Reach } from './benchmark.ts';
import { type Hostile, makeHostileBodies } from './hostile/bodies.ts';
import { type GovernedProxy, readGauge, startGovernedProxy, startInstallation } from './path/governed.ts';
import { startUpstream } from './path/upstream.ts';
import { readResidentMemory } from './resident-memory.ts';

const stalledUploads = 200;
const connections = 8;
const idleMs = 5_000;
/** The default limit of a sidecar of 256Mi. */
const maxInFlightBytes = 64 * 1024 * 1024;

const reach: Reach = {
  memory_after_mb: { max: 200 },
  memory_peak_mb: { max: 268 },
  failures_ratio: { max: 0 },
  in_flight_after_bytes: { max: 0 },
};

/** Measures the memory of a proxy during and after hostile requests. */
export const hostile: Benchmark = {
  async run(context) {
    const { values } = parseArgs({
      args: [...context.args],
      options: { requests: { type: 'string', default: '6000' } },
    });
    const { note, onEnd } = context;
    const directory = await mkdtemp(join(tmpdir(), 'chaperone-bench-'));
    onEnd(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
    note('Building, and starting everything ...');
    await build();
    const upstream = await startUpstream(directory, context);
    const installation = await startInstallation(directory, `http://127.0.0.1:${upstream.port}/v1`, context);
    const bounded = {
      ...installation,
      proxyArguments: (options: { data: string }) => [
        ...installation.proxyArguments(options),
        ...['--max-in-flight-bytes', String(maxInFlightBytes), '--stall', '5'],
      ],
    };
    const proxy = await startGovernedProxy(directory, bounded, undefined, context);
    const before = await memoryMb(proxy);

    note(`${values.requests} hostile requests, and ${stalledUploads} uploads that stall ...`);
    const stalled = stall(proxy, installation.token);
    const { sent, failed } = await attack(proxy, installation.token, Number(values.requests));
    await stalled;
    await untilReleased(proxy);
    // The rest is garbage, which a proxy collects when it is idle.
    await new Promise((resolve) => setTimeout(resolve, idleMs));
    const after = await memoryMb(proxy);
    return {
      figures: {
        requests: sent,
        memory_before_mb: before,
        memory_peak_mb: Math.round((await readResidentMemory(proxy.pid)).peakMb),
        memory_after_mb: after,
        failures_ratio: failed / sent,
        in_flight_after_bytes: await readGauge(proxy, 'chaperone_in_flight_bytes'),
      },
      reach,
      summary: `Resident memory of a proxy whose bodies may hold ${maxInFlightBytes / 1024 / 1024} MiB: before, during and after.`,
    };
  },
};

/**
 * Sends the kinds in turn, each by its share. A request fails if it gets a 500, or neither an answer nor a closed
 * connection.
 */
async function attack(proxy: GovernedProxy, token: string, count: number): Promise<{ sent: number; failed: number }> {
  const bodies = makeHostileBodies();
  const total = bodies.reduce((sum, { share }) => sum + share, 0);
  const rounds = Math.ceil(count / total);
  let sent = 0;
  let failed = 0;
  const due: Hostile[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const body of bodies) {
      const times = Math.floor((round + 1) * body.share) - Math.floor(round * body.share);
      if (times > 0) due.push(body);
    }
  }
  const work = async () => {
    for (let body = due.pop(); body; body = due.pop()) {
      sent += 1;
      if (!(await send(proxy, token, body))) failed += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, work));
  return { sent, failed };
}

/** @returns whether it was answered as a client error, or as a call */
function send(proxy: GovernedProxy, token: string, { path, headers, body }: Hostile): Promise<boolean> {
  return new Promise((resolve) => {
    const sent = request({
      host: '127.0.0.1',
      port: proxy.port,
      path: `/v1${path}`,
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'x-user-id': 'mallory', 'content-length': body.length, ...headers },
    });
    sent.once('response', (response) => {
      const isRight = response.statusCode !== 500;
      response.resume().once('close', () => {
        sent.destroy();
        resolve(isRight);
      });
    });
    // The connection may be closed while the body is still being sent.
    sent.once('error', () => resolve(true));
    sent.end(body);
  });
}

/** Starts uploads that announce a large body, send a little, and then stop. */
async function stall({ port }: GovernedProxy, token: string): Promise<void> {
  const head = [
    'POST /v1/responses HTTP/1.1',
    'host: proxy',
    `authorization: Bearer ${token}`,
    'x-user-id: mallory',
    `content-length: ${20 * 1024 * 1024}`,
  ].join('\r\n');
  await Promise.all(
    Array.from({ length: stalledUploads }, async () => {
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      socket.write(`${head}\r\n\r\n${'x'.repeat(200_000)}`);
      socket.resume();
      await once(socket, 'close').catch(() => {});
    }),
  );
}

async function memoryMb({ pid }: GovernedProxy): Promise<number> {
  return Math.round((await readResidentMemory(pid)).totalMb);
}

async function untilReleased(proxy: GovernedProxy): Promise<void> {
  const deadline = performance.now() + 60_000;
  while ((await readGauge(proxy, 'chaperone_in_flight_bytes')) > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
