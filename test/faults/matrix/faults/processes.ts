import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../../until.ts';
import type { Fault, Strike } from '../fault.ts';
import { killProxy } from '../kill.ts';

/** Calls of every length, so that a kill meets some at each stage. */
const directives = (number: number) =>
  `latency=${(number % 7) * 15},words=${10 + (number % 40)},delta-delay=${number % 5}`;
/** A proxy that has just started denies what it cannot count yet, where a limit says so. */
const refusals = ['quota_unavailable'];
const killed = { cuts: true, unknowns: true, load: { directives }, refusals };
/** The stages of a call take some milliseconds each; a kill comes at any of them. */
const randomMs = () => Math.random() * 400;

async function killAtRandom(strike: Strike, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) {
    await strike.answers(10);
    await sleep(randomMs());
    await killProxy(strike.proxy);
  }
}

/** Holds a table until the proxy waits for it, and kills the proxy then. */
async function killAtTable(strike: Strike, table: string): Promise<void> {
  await strike.withDatabase(async (holder) => {
    await holder.query(`begin; lock table chaperone.${table} in access exclusive mode`);
    await until(
      () =>
        strike
          .query(`select from pg_locks where relation = 'chaperone.${table}'::regclass and not granted`)
          .then((rows) => rows.length > 0),
      `the proxy to wait for ${table}`,
    );
    await killProxy(strike.proxy);
    await holder.query('rollback');
  });
}

export const processes: readonly Fault[] = [
  { name: 'nothing breaks', isCore: true },
  {
    name: 'the proxy is killed, 10 times at random',
    ...{ ...killed, isCore: true },
    strike: (strike) => killAtRandom(strike, 10),
  },
  {
    name: 'the proxy is killed, 50 times at random',
    ...killed,
    strike: (strike) => killAtRandom(strike, 50),
  },
  {
    name: 'the proxy is killed while it copies records',
    ...{ ...killed, isCore: true },
    strike: (strike) => killAtTable(strike, 'requests'),
  },
  {
    name: 'the proxy is killed while it leases quota',
    ...{ ...killed, isCore: true },
    strike: (strike) => killAtTable(strike, 'quota_leases'),
  },
  {
    name: 'the proxy is told to stop, and another one serves',
    ...{ ...killed, isCore: true, refusals: [...refusals, 'shutting_down'] },
    async strike(strike) {
      const first = await strike.startProxy();
      strike.use(first);
      await strike.answers(40);
      const second = await strike.startProxy();
      strike.use(second);
      await first.stop(10_000);
      strike.forget(first);
      await strike.answers(20);
      // What the first one had not copied is in its volume.
      strike.use(await strike.startProxy({ dataDirectory: first.dataDirectory }));
    },
  },
  {
    name: 'the proxy is frozen for longer than its leases last',
    ...killed,
    async strike({ proxy, calls, answers }) {
      const pid = proxy.pid() ?? 0;
      process.kill(pid, 'SIGSTOP');
      try {
        await sleep(35_000);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      await calls(20);
      await answers(20);
    },
  },
];
