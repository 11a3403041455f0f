import assert from 'node:assert/strict';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startFleet } from '../../../cli/local/fleet.ts';
import { statePaths } from '../../../cli/local/state.ts';
import type { Organization } from '../../../crds/resources.generated.ts';
import type { ChangeListener } from '../../../operator/cluster/cluster.ts';
import { makeDirectory } from '../../directories.ts';
import { keyOf, makeMemoryCluster, makeOrganization } from '../../operator/memory-cluster.ts';
import { atEnd } from '../../scope.ts';
import { until } from '../../until.ts';
import { isAlive } from '../embedded-postgres/harness.ts';

/** A proxy that never serves and does not end when asked to, as one that waits for its database might. */
const waitingProxy = `
  process.on('SIGTERM', () => {});
  process.stdout.write(process.pid + '\\n');
  setInterval(() => {}, 60_000);`;

/** A fleet without organizations. */
async function prepareFleet(t: TestContext, firstPort = 0) {
  const directory = await makeDirectory(t);
  const [entry, output] = [join(directory, 'proxy.mjs'), join(directory, 'output')];
  writeFileSync(entry, waitingProxy);
  const logFile = openSync(output, 'a');
  atEnd(t, () => closeSync(logFile));
  const objects: { Organization: Organization[] } = { Organization: [] };
  const listeners = new Set<ChangeListener>();
  const changes: string[] = [];
  const fleet = await startFleet({
    cluster: {
      list: makeMemoryCluster(objects).list,
      subscribe(listener) {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    paths: statePaths(directory),
    entry,
    firstPort,
    firstMetricsPort: 0,
    upstreamUrl: 'http://127.0.0.1:9/v1',
    logFile,
    environment: {},
    onChange: (sentence) => changes.push(sentence),
  });
  const setOrganizations = (...names: string[]) => {
    objects.Organization = names.map((name) => makeOrganization(name, {}, { status: { id: `id of ${name}` } }));
    for (const listener of listeners) listener(keyOf('Organization', 'globex'), 'foreign');
  };
  return { fleet, output, changes, setOrganizations };
}

/** A fleet whose only proxy is starting, and will be for ever. */
async function startWaitingFleet(t: TestContext) {
  const { output, ...prepared } = await prepareFleet(t);
  prepared.setOrganizations('globex');
  const pid = await until(() => Number(readFileSync(output, 'utf8')) || undefined, 'the proxy to be started');
  atEnd(t, () => isAlive(pid) && process.kill(pid, 'SIGKILL'));
  return { pid, ...prepared };
}

test('a fleet that is stopped does not wait for a proxy to start', { timeout: 60_000 }, async (t) => {
  const { fleet, pid, changes } = await startWaitingFleet(t);
  await fleet.stop();
  assert.ok(!isAlive(pid));
  assert.deepEqual([fleet.proxies(), changes], [[], []]);
});

test('a proxy that is still starting ends with its organization', { timeout: 60_000 }, async (t) => {
  const { fleet, pid, changes, setOrganizations } = await startWaitingFleet(t);
  setOrganizations();
  await until(() => !isAlive(pid), 'the proxy to be gone');
  await fleet.stop();
  assert.deepEqual(changes, []);
});

test('an organization for which no port is left is reported, and so is the next one', {
  timeout: 60_000,
}, async (t) => {
  const { fleet, changes, setOrganizations } = await prepareFleet(t, 65_536);
  setOrganizations('globex', 'initech');
  await until(() => changes.length === 2, 'both to be told of');
  await fleet.stop();
  assert.match(changes[0] ?? '', /"globex" cannot start: its port would be 65536/);
  assert.match(changes[1] ?? '', /"initech" cannot start/);
});
