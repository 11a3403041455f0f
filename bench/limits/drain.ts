import { Agent, request } from 'node:http';
import { makeRequestBody } from '../path/exchange.ts';
import { type GovernedProxy, readGauge } from '../path/governed.ts';

export interface Drained {
  /** Calls that were answered. */
  readonly made: number;
  readonly seconds: number;
  /** Calls that waited for the database. */
  readonly waits: number;
  /** Those between the first and the last tenth of the limit. */
  readonly steadyWaits: number;
}

/** Whose calls are limited. */
export const drainingUser = 'bench';
/** Calls of another user, of each proxy. Sixteen proxies that compile their code at once keep two cores busy for seconds. */
const warmUpCalls = 300;
const connections = 2;
/** Demand lasts until a proxy has refused for so long. What others give back reaches it in less. */
const refusedMs = 1_500;

function headersOf(token: string, user: string): Record<string, string> {
  return { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'x-user-id': user };
}

/** Makes calls that no rule counts, so that proxies are measured as they are when they have run for a while. */
export async function warmUp(proxies: readonly GovernedProxy[], token: string): Promise<void> {
  const body = makeRequestBody('whole', undefined);
  const headers = headersOf(token, 'warm-up');
  await Promise.all(
    proxies.map(async ({ port }) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let made = 0; made < warmUpCalls; made += 1) await post(port, agent, headers, body);
      agent.destroy();
    }),
  );
}

/** Calls all proxies without a pause until none of them lets a call through. */
export async function drain(proxies: readonly GovernedProxy[], token: string, limit: number): Promise<Drained> {
  const body = makeRequestBody('whole', undefined);
  const headers = headersOf(token, drainingUser);
  const waits = async () => {
    const all = await Promise.all(
      proxies.map((proxy) => readGauge(proxy, 'chaperone_quota_waits_total').catch(() => 0)),
    );
    return all.reduce((sum, each) => sum + each, 0);
  };
  const startedAt = performance.now();
  let made = 0;
  let lastMadeAt = startedAt;
  let early: Promise<number> | undefined;
  let late: Promise<number> | undefined;
  /** No call begins while the waits are read, so that they are those of so many calls. */
  let reading: Promise<unknown> | undefined;
  const readWaits = () => {
    const read = waits();
    reading = read.finally(() => {
      reading = undefined;
    });
    return read;
  };
  const call = async (proxy: GovernedProxy, agent: Agent) => {
    let refusedSince: number | undefined;
    for (;;) {
      await reading;
      const status = await post(proxy.port, agent, headers, body);
      if (status !== 200 && status !== 429) throw new Error(`A proxy answered ${status}`);
      if (status === 429) {
        refusedSince ??= performance.now();
        if (performance.now() - refusedSince > refusedMs) return;
        // A client that waits a little, as SDKs do.
        await new Promise((resolve) => setTimeout(resolve, 20));
        continue;
      }
      refusedSince = undefined;
      made += 1;
      lastMadeAt = performance.now();
      if (made >= limit * 0.1) early ??= readWaits();
      if (made >= limit * 0.9) late ??= readWaits();
    }
  };
  await Promise.all(
    proxies.flatMap((proxy) => {
      const agent = new Agent({ keepAlive: true, maxSockets: connections });
      const calls = Array.from({ length: connections }, () => call(proxy, agent));
      return Promise.all(calls).finally(() => agent.destroy());
    }),
  );
  return {
    made,
    seconds: (lastMadeAt - startedAt) / 1_000,
    waits: await waits(),
    steadyWaits: Math.max(0, ((await late) ?? 0) - ((await early) ?? 0)),
  };
}

function post(port: number, agent: Agent, headers: Record<string, string>, body: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, agent, method: 'POST', path: '/v1/chat/completions', headers };
    const sent = request(options, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
