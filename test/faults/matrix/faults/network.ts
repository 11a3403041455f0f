import { setTimeout as sleep } from 'node:timers/promises';
import type { Fault, Strike } from '../fault.ts';
import { namespacesLack, startRemoteProxy } from '../network-namespace.ts';

const refusals = ['store_unavailable', 'quota_unavailable'];

/** Drops packets on a real network, without a word to anyone. */
async function silenceFor(
  strike: Strike,
  direction: 'to' | 'from',
  whom: 'database' | 'upstream',
  ms = 30_000,
): Promise<void> {
  const remote = await startRemoteProxy(strike);
  strike.use(remote);
  await strike.answers(40);
  remote.silence(direction, whom);
  await sleep(ms);
  remote.mend();
  await strike.answers(60);
}

export const network: readonly Fault[] = [
  {
    name: 'the connections to PostgreSQL fall silent',
    ...{ isCore: true, refusals },
    async strike({ databaseRelay, answers }) {
      databaseRelay.freeze();
      await answers(150);
      await sleep(2_000);
    },
  },
  {
    name: 'the connections to PostgreSQL are cut, again and again',
    ...{ refusals },
    async strike({ databaseRelay, answers }) {
      for (let time = 0; time < 6; time += 1) {
        await databaseRelay.close();
        await answers(15);
        await databaseRelay.open();
        await answers(15);
      }
    },
  },
  {
    name: 'the connections to the provider fall silent',
    // Each of the calls that are under way waits for its timeout.
    ...{ cuts: true, unknowns: true, refusals: ['upstream_timeout', 'upstream_interrupted'] },
    async strike({ upstreamRelay, calls, answers }) {
      upstreamRelay.freeze();
      await calls(30);
      await answers(30);
    },
  },
  {
    name: 'the connections to the provider are cut, again and again',
    ...{
      isCore: true,
      cuts: true,
      unknowns: true,
      refusals: ['upstream_unreachable', 'upstream_interrupted', 'session_expired'],
    },
    load: { directives: (number) => `latency=${number % 30},words=20,delta-delay=${number % 4}` },
    async strike({ upstreamRelay, calls, answers }) {
      for (let time = 0; time < 6; time += 1) {
        await upstreamRelay.close();
        await calls(10);
        await upstreamRelay.open();
        await answers(15);
      }
    },
  },
  {
    name: 'PostgreSQL does not hear the proxy for 30 seconds',
    ...{ refusals, lacks: namespacesLack },
    strike: (strike) => silenceFor(strike, 'to', 'database'),
  },
  {
    name: 'the proxy does not hear PostgreSQL for 30 seconds',
    ...{ refusals, lacks: namespacesLack },
    strike: (strike) => silenceFor(strike, 'from', 'database'),
  },
  {
    name: 'the provider does not hear the proxy for 30 seconds',
    ...{ cuts: true, unknowns: true, lacks: namespacesLack },
    refusals: ['upstream_timeout', 'upstream_unreachable', 'upstream_interrupted'],
    strike: (strike) => silenceFor(strike, 'to', 'upstream'),
  },
  {
    name: 'the proxy does not hear the provider for 30 seconds',
    ...{ cuts: true, unknowns: true, lacks: namespacesLack },
    refusals: ['upstream_timeout', 'upstream_unreachable', 'upstream_interrupted'],
    strike: (strike) => silenceFor(strike, 'from', 'upstream'),
  },
  {
    name: 'the name of the provider cannot be found',
    ...{ refusals: ['upstream_unreachable'] },
    async strike(strike) {
      const lost = await strike.startProxy({ upstreamUrl: 'http://provider.invalid/v1' });
      const { proxy } = strike;
      strike.use(lost);
      await strike.calls(100);
      strike.use(proxy);
    },
  },
];
