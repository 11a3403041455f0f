import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../../until.ts';
import type { Fault, Strike } from '../fault.ts';
import { killProxy, untilReady } from '../kill.ts';
import { makeMemoryGroup, memoryGroupsLack } from '../memory-cgroup.ts';

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

/** Makes calls with bodies that take memory. Nobody waits for their answers. */
async function sendLarge({ proxy, stack, ignoreMark }: Strike): Promise<void> {
  ignoreMark('mark-large-1');
  const body = JSON.stringify({ model: 'gpt-4o-mini', input: `mark-large-1 ${'x'.repeat(4_000_000)}`, store: false });
  const headers = { authorization: `Bearer ${stack.token}`, 'x-user-id': 'large', 'x-session-id': 'large' };
  const calls = Array.from({ length: 4 }, () =>
    fetch(`http://127.0.0.1:${proxy.port}/v1/responses`, { method: 'POST', headers, body }).then((answer) =>
      answer.text(),
    ),
  );
  await Promise.allSettled(calls);
}

export const processes: readonly Fault[] = [
  { name: 'nothing breaks' },
  {
    name: 'the proxy is killed, 10 times at random',
    ...{ ...killed },
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
    ...{ ...killed },
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
    name: 'the kernel kills the proxy, since its memory is short',
    ...{ ...killed, isCore: true, lacks: memoryGroupsLack, refusals: [...refusals, 'overloaded', 'request_too_large'] },
    async strike(strike) {
      const group = makeMemoryGroup(strike.scope);
      const proxy = await group.within(() => strike.startProxy());
      strike.use(proxy);
      await strike.answers(30);
      for (let time = 0; time < 50 && group.kills() === 0; time += 1) {
        group.tighten();
        await strike.calls(5);
        await sendLarge(strike);
      }
      assert.ok(group.kills() > 0, 'the kernel has killed nothing');
      // The one in its place has the machine's memory.
      await untilReady(proxy);
      await strike.answers(40);
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
