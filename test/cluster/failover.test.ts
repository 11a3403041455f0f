import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { makeApiClient } from '../../operator/cluster/kubernetes.ts';
import { makeTestDatabase } from '../database.ts';
import { until } from '../until.ts';
import { kubeConfigOf, skip, startServerWithKinds } from './cluster-under-test.ts';
import { type Hands, makeHands, organization, persona } from './resources.ts';

interface OperatorProcess {
  readonly child: ChildProcess;
  /** What it has logged. */
  readonly messages: ReadonlySet<string>;
}

const cli = join(import.meta.dirname, '../../cli/main.ts');

describe('of two operators', { skip }, () => {
  const releasers: (() => Promise<unknown>)[] = [];
  const operators: OperatorProcess[] = [];
  let directory: string;
  let hands: Hands;

  const startOne = async () => {
    const args = ['--namespace', 'default', '--metrics-port', '0', '--kubeconfig', join(directory, 'kubeconfig')];
    const child = spawn(
      process.execPath,
      [cli, 'operator', ...args, '--database-url-file', join(directory, 'database-url')],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    const messages = new Set<string>();
    if (child.stderr) createInterface({ input: child.stderr }).on('line', (line) => messages.add(messageOf(line)));
    const started = { child, messages };
    operators.push(started);
    await until(() => messages.has('the caches are filled'), `caches; ${[...messages].join('\n')}`);
    return started;
  };

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'chaperone-failover-'));
    releasers.push(() => rm(directory, { recursive: true }));
    const database = await makeTestDatabase();
    releasers.push(() => database.close());
    const server = await startServerWithKinds();
    releasers.push(() => server.close());
    const kubeConfig = kubeConfigOf(server);
    const client = makeApiClient({ kubeConfig });
    releasers.push(() => client.close());
    hands = makeHands(client);
    await writeFile(join(directory, 'kubeconfig'), kubeConfig.exportConfig(), { mode: 0o600 });
    await writeFile(join(directory, 'database-url'), database.url, { mode: 0o600 });
    await hands.change('Namespace', 'default', { metadata: { labels: { org: 'acme' } } });
    await hands.create('Organization', 'acme', organization());
  });
  after(async () => {
    for (const { child } of operators) if (child.exitCode === null) child.kill('SIGKILL');
    for (const release of releasers.toReversed()) await release();
  });

  /** How long it takes until a new Persona is Ready, which only a leader sees to. */
  const untilLed = async (name: string) => {
    const startedAtMs = performance.now();
    await hands.create('Persona', `default/${name}`, persona({ name }));
    await hands.untilReason('Persona', `default/${name}`, 'Ready');
    return performance.now() - startedAtMs;
  };

  test('one leads; the other takes over at once when it stops, and within 17 s when it is killed', async (t) => {
    const first = await startOne();
    await until(() => first.messages.has('reconciling'), 'the first to lead');
    const second = await startOne();
    await untilLed('before');
    assert.ok(!second.messages.has('elected'));

    first.child.kill('SIGTERM');
    const [stopped] = await Promise.all([untilLed('after-stop'), once(first.child, 'exit')]);
    assert.equal(first.child.exitCode, 0);
    assert.ok(second.messages.has('elected'));

    const third = await startOne();
    second.child.kill('SIGKILL');
    const killed = await untilLed('after-kill');
    assert.ok(third.messages.has('elected'));
    t.diagnostic(`clean stop to Ready: ${Math.round(stopped)} ms; kill to Ready: ${Math.round(killed)} ms`);
    // What the lease's times promise, not how fast this machine is.
    assert.ok(stopped < 5_000 && killed < 17_000);
  });
});

function messageOf(line: string): string {
  try {
    return JSON.parse(line).msg;
  } catch {
    return line;
  }
}
