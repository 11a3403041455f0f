import assert from 'node:assert/strict';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, type TestContext, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { makeLeaseStore } from '../../operator/cluster/kubernetes/leases.ts';
import { defaultTimings, type ReflectorTimings } from '../../operator/cluster/kubernetes/reflector.ts';
import { type ApiClient, makeApiClient } from '../../operator/cluster/kubernetes.ts';
import { standForElection } from '../../operator/runtime/leader.ts';
import { makeDirectory } from '../directories.ts';
import { atEnd, suiteScope } from '../scope.ts';
import { until } from '../until.ts';

import { kubeConfigOf, log, skip } from './cluster-under-test.ts';
import { type Fault, type FaultProxy, type PassingRequest, startFaultProxy } from './fault-proxy.ts';
import { makeOperatorStarter } from './operator-process.ts';
import { binding, organization, persona, secret } from './resources.ts';
import { governance, type Stage, setStage } from './stage.ts';

const timings: ReflectorTimings = { ...defaultTimings, backoffMs: [20, 2_000] };
const reflectors = 8;
const isWrite = ({ method }: PassingRequest) => method !== 'GET';

describe('an operator with a bad connection to its API server', { skip }, () => {
  const scope = suiteScope();
  let stage: Stage;
  let proxy: FaultProxy;
  let client: ApiClient;
  let count = 0;

  before(async () => {
    stage = await setStage(scope);
    proxy = await startFaultProxy(scope, stage.server);
    client = makeApiClient({ kubeConfig: kubeConfigOf(proxy.server) });
    scope.after(() => client.close());
    await stage.hands.create('Organization', 'acme', organization());
    await stage.hands.create('Secret', 'web/openai', secret({ key: 'sk-1' }));
  });

  const start = async (t: TestContext, changes: Partial<ReflectorTimings> = {}) => {
    proxy.heal();
    const operator = await stage.startOperator({ client, timings: { ...timings, ...changes } });
    atEnd(t, () => {
      proxy.heal();
      return operator.stop();
    });
    await stage.hands.untilReason('Organization', 'acme', 'Ready');
    await operator.idle();
    return operator;
  };
  /** Makes changes that the operator must not miss. @returns waits until it has seen to all of them */
  const work = async (while_: (step: number) => Promise<unknown>) => {
    const { hands } = stage;
    const names = Array.from({ length: 6 }, () => `f${count++}`);
    for (const [step, name] of names.entries()) {
      await hands.create('Persona', `web/${name}`, persona({ name }));
      await hands.create('ApiKeyBinding', `web/${name}`, binding({ user: name }));
      await while_(step);
      if (step % 2 === 1) await hands.remove('Persona', `web/${name}`);
      else await hands.change('Persona', `web/${name}`, { spec: { description: 'changed' } });
    }
    return async () => {
      for (const [step, name] of names.entries()) {
        await hands.untilReason('ApiKeyBinding', `web/${name}`, 'Ready');
        if (step % 2 === 1) await hands.untilGone('Persona', `web/${name}`);
        else await hands.untilReason('Persona', `web/${name}`, 'Ready');
      }
      const resources = names.map((name) => `web/${name}`);
      await until(async () => {
        const { rows } = await stage.db.query<{ description: string }>(
          'select description from chaperone.personas where resource = any($1::text[]) and deleted_at is null',
          [resources],
        );
        return rows.length === 3 && rows.every(({ description }) => description === 'changed');
      }, 'the rows of what is left');
    };
  };

  const random = (part: number, fault: Fault) => () => (Math.random() < part ? fault : undefined);
  const faults: Readonly<Record<string, (request: PassingRequest) => Fault | undefined>> = {
    'everything is answered with 503': () => ({ kind: 'answer', status: 503 }),
    'every write is answered with 500': (request) => (isWrite(request) ? { kind: 'answer', status: 500 } : undefined),
    'every other connection is dropped': random(0.5, { kind: 'drop' }),
    'every other write is carried out and its answer lost': (request) =>
      isWrite(request) ? random(0.5, { kind: 'lose-answer' })() : undefined,
    'every answer is slow': () => ({ kind: 'delay', ms: 300 }),
  };
  for (const [what, choose] of Object.entries(faults)) {
    test(`loses no change when ${what}`, async (t) => {
      await start(t);
      proxy.fail(choose);
      proxy.cutWatches();
      const done = await work(() => delay(100));
      proxy.heal();
      await done();
    });
  }

  test('loses no change when its watches are cut in the middle of a line, repeatedly', async (t) => {
    await start(t);
    const done = await work(async () => proxy.cutWatches());
    await done();
  });

  test('loses no change when its watches fall silent', async (t) => {
    await start(t, { silenceMs: 3_000 });
    const done = await work(async () => proxy.silenceWatches());
    await done();
  });

  test('loses no change when the API server is killed and comes back', async (t) => {
    await start(t);
    const done = await work(async (step) => {
      if (step !== 2) return;
      await stage.server.kill();
      await stage.server.restart();
    });
    await done();
  });

  test('goes back with an etcd that was restored from an older snapshot', async (t) => {
    const { hands, server, db } = stage;
    await start(t);
    await hands.create('Persona', 'web/kept', persona({ name: 'kept', description: 'before' }));
    await hands.untilReason('Persona', 'web/kept', 'Ready');
    const snapshot = join(await makeDirectory(t), 'snapshot');
    await server.whileStopped((etcd) => cp(etcd, snapshot, { recursive: true }));
    await hands.change('Persona', 'web/kept', { spec: { description: 'after' } });
    await hands.create('Persona', 'web/lost', persona({ name: 'lost' }));
    await hands.untilReason('Persona', 'web/lost', 'Ready');
    const rows = async () => {
      const { rows } = await db.query<{ row: string }>(
        `select name || ': ' || coalesce(description, '') as row from chaperone.personas
         where resource in ('web/kept', 'web/lost') and deleted_at is null order by 1`,
      );
      return rows.map(({ row }) => row).join();
    };
    await until(async () => (await rows()) === 'kept: after,lost: ', 'the changes to be in force');
    await server.whileStopped(async (etcd) => {
      await rm(etcd, { recursive: true });
      await cp(snapshot, etcd, { recursive: true });
    });
    await until(async () => (await rows()) === 'kept: before', 'the former state to be in force', 60_000);
    // And what comes from then on.
    await hands.create('Persona', 'web/lost', persona({ name: 'lost', description: 'again' }));
    await until(async () => (await rows()) === 'kept: before,lost: again', 'a later change to be in force');
    for (const name of ['kept', 'lost']) await hands.remove('Persona', `web/${name}`);
  });

  /** With pauses that no attempt outlasts, on however slow a machine: one that does begins anew. */
  const patient = { backoffMs: [20, 60_000] } as const;
  /**
   * Waits until `askers` have each asked seven times for what is refused, and shows that each pause was at least half of
   * its backoff, which doubles.
   */
  const assertEverMoreRarely = async (choose: (typeof faults)[string], askers: number, firstMs: number) => {
    const before = proxy.seen.length;
    const asked = await until(() => {
      const refused = proxy.seen.slice(before).filter((request) => choose(request));
      const often = Map.groupBy(refused, askerOf)
        .entries()
        .filter(([, times]) => times.length >= attempts);
      const found = new Map(often);
      return found.size >= askers && found;
    }, `${askers} to have asked ${attempts} times`);
    for (const [asker, times] of asked) {
      const pausesMs = times.slice(1, attempts).map(({ atMs }, index) => atMs - (times[index]?.atMs ?? atMs));
      const told = `${asker} after ${pausesMs.map(Math.round).join(', ')} ms`;
      assert.ok(
        pausesMs.every((ms, index) => ms >= (firstMs * 2 ** index) / 2 - timerSlackMs),
        told,
      );
    }
  };
  const attempts = 7;
  /** Timers and `performance.now()` round differently. */
  const timerSlackMs = 2;
  /** What a reflector lists and watches, or what is read by its name. */
  const askerOf = ({ path }: PassingRequest) => {
    const { pathname, searchParams } = new URL(path, proxy.server.url);
    return `${pathname} ${searchParams.get('labelSelector') ?? ''}`;
  };

  test('asks less and less often while everything is refused', async (t) => {
    const operator = await start(t, patient);
    const refuse = () => ({ kind: 'answer', status: 503 }) as const;
    proxy.fail(refuse);
    proxy.cutWatches();
    // The cut was the first failure.
    await assertEverMoreRarely(refuse, reflectors, patient.backoffMs[0] * 2);
    const healedAtMs = Date.now();
    proxy.heal();
    await until(
      () => operator.cluster.reflectors().every(({ heardAtMs }) => heardAtMs() >= healedAtMs),
      'every watch to be heard again',
    );
  });

  test('lists less and less often while every watch gets an expired version', async (t) => {
    await start(t, patient);
    const expire = ({ isWatch }: PassingRequest): Fault | undefined =>
      isWatch ? { kind: 'answer', status: 410 } : undefined;
    proxy.fail(expire);
    proxy.cutWatches();
    await assertEverMoreRarely(expire, reflectors, patient.backoffMs[0] * 2);
  });

  test('asks less and less often for Secrets that cannot be read', async (t) => {
    const operator = await start(t, patient);
    const names = Array.from({ length: 20 }, (_, index) => `unread-${index}`);
    const refuse = ({ method, path }: PassingRequest): Fault | undefined =>
      method === 'GET' && path.includes('/secrets/unread-') ? { kind: 'answer', status: 500 } : undefined;
    proxy.fail(refuse);
    const asking = assertEverMoreRarely(refuse, names.length, patient.backoffMs[0]);
    for (const name of names) {
      await stage.hands.create('Secret', `web/${name}`, secret({ key: 'sk-2' }));
      await stage.hands.create(
        'ApiKeyBinding',
        `web/${name}`,
        binding({ user: name, secretKeyRef: { name, key: 'key' } }),
      );
    }
    await asking;
    proxy.heal();
    for (const name of names) await stage.hands.untilReason('ApiKeyBinding', `web/${name}`, 'Ready');
    await operator.idle();
  });

  test('retries when the server asks for it, and not before', async (t) => {
    await start(t);
    const refused = new Map<string, number>();
    const returned = new Set<string>();
    const early: string[] = [];
    const isOfInterest = ({ isWatch, path }: PassingRequest) => isWatch || path.includes('/status');
    proxy.fail((request) => {
      if (!isOfInterest(request)) return undefined;
      const { method, path } = request;
      // The time that a watch is to last is another each time.
      const id = `${method} ${path.replace(/timeoutSeconds=\d+/, '')}`;
      const sinceMs = performance.now() - (refused.get(id) ?? Number.NEGATIVE_INFINITY);
      if (sinceMs < 1_000) early.push(`${id} after ${Math.round(sinceMs)} ms`);
      if (refused.has(id)) {
        returned.add(id);
        return undefined;
      }
      refused.set(id, performance.now());
      return { kind: 'answer', status: 429, retryAfterS: 1 };
    });
    proxy.cutWatches();
    const done = await work(() => delay(10));
    await done();
    await until(() => refused.keys().every((id) => returned.has(id)), 'all that was refused to be asked for again');
    assert.deepEqual(early, []);
    assert.ok(refused.size > reflectors);
  });

  test('is not ready until it has read everything, and counts refused requests', async (t) => {
    const kubeConfig = kubeConfigOf(proxy.server);
    const startProcess = await makeOperatorStarter(scope, { kubeConfig, databaseUrl: stage.databaseUrl });
    proxy.fail(({ path }) => (path.includes('/personas') ? { kind: 'answer', status: 503 } : undefined));
    atEnd(t, () => proxy.heal());
    const operator = await startProcess();
    const early = await until(() => operator.ask('/readyz'), '/readyz to answer');
    assert.deepEqual(early, { status: 503, text: 'the caches are not filled yet\n' });
    const metric = async (line: RegExp) => Number(line.exec((await operator.ask('/metrics'))?.text ?? '')?.[1]);
    const refused = /^rest_client_requests_total\{code="503",method="GET"\} (\d+)$/m;
    await until(async () => (await metric(refused)) >= 2, 'refusals to be counted');
    assert.ok((await metric(/^reflector_watches_total\{name="Persona",outcome="failed"\} (\d+)$/m)) >= 1);
    proxy.heal();
    await until(async () => (await operator.ask('/readyz'))?.status === 200, 'it to be ready');
    await operator.untilLogged('reconciling');
    await operator.end('SIGTERM');
    assert.equal(operator.child.exitCode, 0);
  });

  test('stops leading when it cannot renew its lease, before another takes over', async (t) => {
    const leaderTimings = { leaseMs: 3_000, renewDeadlineMs: 1_000, retryMs: 100, pollMs: 100 };
    const stand = (identity: string, via: ApiClient) => {
      const leases = makeLeaseStore(via, governance, 'lease-under-test');
      const candidacy = standForElection({ leases, identity, timings: leaderTimings, log });
      atEnd(t, candidacy.stop);
      return candidacy;
    };
    proxy.heal();
    const first = stand('first', client);
    await first.elected;
    const second = stand('second', stage.client);
    proxy.fail(({ path, method }) =>
      method === 'PUT' && path.includes('/leases/') ? { kind: 'answer', status: 500 } : undefined,
    );
    await first.lost;
    assert.deepEqual([first.isLeader(), second.isLeader()], [false, false]);
    proxy.heal();
    await second.elected;
  });
});
