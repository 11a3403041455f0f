// Calls many proxies, each at a steady rate, whether or not the last call has been answered. Gets what to call as a message,
// and tells of all calls once it is told to end.
import { once } from 'node:events';
import { Agent } from 'undici';
import { makeRequestBody } from '../../path/exchange.ts';
import type { Called, CallOrder } from './messages.ts';

type Target = CallOrder['targets'][number];

const orders: CallOrder[] = await once(process, 'message');
const [order] = orders;
if (!order) throw new Error('There is no order');
const { targets, users, periodMs, windowMs, burstMs } = order;
const agent = new Agent({ connections: 4, keepAliveTimeout: 60_000 });
const body = makeRequestBody('whole', undefined);
const calls: Called[] = [];
const running = new Set<Promise<void>>();
const timers: NodeJS.Timeout[] = [];
for (const [index, target] of targets.entries()) {
  timers.push(setTimeout(() => repeat(target), (index / targets.length) * periodMs));
}
burst();
await once(process, 'message');
for (const timer of timers) clearTimeout(timer);
await Promise.all(running);
await agent.close();
process.send?.(calls, () => process.exit(0));

function repeat(target: Target): void {
  let number = 0;
  const run = () => {
    begin(target, `user-${number % users}`);
    number += 1;
  };
  run();
  timers.push(setInterval(run, periodMs));
}

/** Waits for the next window, and calls every target. */
function burst(): void {
  const atMs = Math.ceil(Date.now() / windowMs) * windowMs;
  for (const [index, target] of targets.entries()) {
    timers.push(setTimeout(() => begin(target, 'user-0'), atMs - Date.now() + (index / targets.length) * burstMs));
  }
  timers.push(setTimeout(burst, atMs - Date.now() + windowMs / 2));
}

function begin(target: Target, user: string): void {
  const calling = call(target, user).finally(() => running.delete(calling));
  running.add(calling);
}

async function call({ port, token }: Target, user: string): Promise<void> {
  const atMs = Date.now();
  const startedAt = performance.now();
  const status = await agent
    .request({
      ...{ origin: `http://127.0.0.1:${port}`, method: 'POST', path: '/v1/chat/completions', body },
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'x-user-id': user },
    })
    .then(
      async (answer) => {
        await answer.body.dump();
        return answer.statusCode;
      },
      () => 0,
    );
  calls.push({ atMs, tookMs: performance.now() - startedAt, status });
}
