import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { until } from '../until.ts';
import { apply, call, getJson, kubectl, makeTenant, organizationOf, skip, startWorkload } from './cluster.ts';

/** An operator rolls nothing in the minute after it has begun to lead. */
const patienceMs = 120_000;

suite('sidecars with other settings than those of new pods', { skip }, () => {
  test('are reported, and rolled where the Organization says so', async (t) => {
    const { name } = await makeTenant(t);
    await startWorkload(name);
    await untilSidecars(name, 'Current');
    await kubectl('annotate', 'namespace', name, 'chaperone.dev/log-level=debug');
    const message = await untilSidecars(name, 'Outdated');
    assert.match(message, new RegExp(`Deployment ${name}/workload \\(1\\)`));
    assert.deepEqual(await logLevels(name), ['info'], 'Report changes nothing');

    await apply(name, organizationOf(name, { sidecars: { rollout: 'Roll' } }));
    await untilSidecars(name, 'Current');
    assert.deepEqual(await logLevels(name), ['debug']);
    assert.ok((await call(name, {})).id);
    const events = () => kubectl('get', 'events', '-n', 'default', '--field-selector', `involvedObject.name=${name}`);
    await until(async () => (await events()).includes('SidecarsRolled'), 'the Event');
  });
});

/** @returns the condition's message */
function untilSidecars(organization: string, reason: string): Promise<string> {
  return until(
    async () => {
      const { status } = await getJson<Organization>('organization', organization);
      const condition = status.conditions.find(({ type }) => type === 'SidecarsCurrent');
      return condition?.reason === reason && condition.message;
    },
    `the sidecars of ${organization} to be ${reason}`,
    patienceMs,
  );
}

async function logLevels(namespace: string): Promise<(string | undefined)[]> {
  const { items } = await getJson<{ items: Pod[] }>('pods', '--namespace', namespace, '--selector=app=workload');
  return items
    .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
    .map(({ spec }) => spec.initContainers[0]?.args)
    .map((args) => args?.[args.indexOf('--log-level') + 1]);
}

interface Organization {
  readonly status: { readonly conditions: readonly { type: string; reason: string; message: string }[] };
}

interface Pod {
  readonly metadata: { readonly deletionTimestamp?: string };
  readonly spec: { readonly initContainers: readonly { readonly args?: readonly string[] }[] };
}
