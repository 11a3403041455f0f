// Reads streams, in its own process. Each connection reads one stream after another, and reports how long every delta
// took from the upstream.
import { Agent, type IncomingMessage, request } from 'node:http';
import { deltasPerStream, nowUs, readStamp } from './deltas.ts';
import type { MeasuredStreams, StreamLoad } from './load.ts';

process.on('message', (load: StreamLoad) => void run(load).then((measured) => process.send?.(measured)));
process.on('disconnect', () => process.exit());
process.send?.('ready');

async function run(load: StreamLoad): Promise<MeasuredStreams> {
  const { connections, seconds, spreadMs } = load;
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const delaysUs: number[] = [];
  let streams = 0;
  let lost = 0;
  const deadline = performance.now() + seconds * 1_000;
  const repeat = async (index: number) => {
    await new Promise((resolve) => setTimeout(resolve, (spreadMs * index) / connections));
    do {
      streams += 1;
      const isWhole = await readStream(load, agent, index, delaysUs).catch(() => false);
      if (!isWhole) lost += 1;
    } while (performance.now() < deadline);
  };
  await Promise.all(Array.from({ length: connections }, (_, index) => repeat(index)));
  agent.destroy();
  delaysUs.sort((a, b) => a - b);
  const percentileUs = (share: number) => delaysUs[Math.floor(delaysUs.length * share)] ?? 0;
  return { streams, lost, deltas: delaysUs.length, p50Us: percentileUs(0.5), p99Us: percentileUs(0.99) };
}

/** @returns whether all of the stream came, and its end */
async function readStream(load: StreamLoad, agent: Agent, index: number, delaysUs: number[]): Promise<boolean> {
  const answer = await send(load, agent, index);
  if (answer.statusCode !== 200) {
    answer.resume();
    return false;
  }
  let text = '';
  let deltas = 0;
  let isDone = false;
  for await (const chunk of answer.setEncoding('latin1')) {
    const receivedUs = nowUs();
    const events = (text + String(chunk)).split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const sentUs = readStamp(event);
      if (sentUs !== undefined) {
        deltas += 1;
        delaysUs.push(receivedUs - sentUs);
      } else if (event === 'data: [DONE]') isDone = true;
    }
  }
  return isDone && text === '' && deltas === deltasPerStream;
}

/** Each connection has its own user and session. */
function send({ port, headers, body }: StreamLoad, agent: Agent, index: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request({
      host: '127.0.0.1',
      port,
      path: '/v1/chat/completions',
      method: 'POST',
      agent,
      headers: {
        ...headers,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'x-user-id': `user-${index}@example.com`,
        'x-session-id': `sess_bench_${index}`,
      },
    })
      .once('response', resolve)
      .once('error', reject)
      .end(body);
  });
}
