import { suite, test } from 'node:test';
import { assertAccounts } from './accounts.ts';
import { apply, getJson, kubectl, makeTenant, operatorNamespace, restartDatabase, skip } from './cluster.ts';
import { endCalls, endless, startCalls, untilAnswered } from './jobs.ts';

suite('no record of a call is lost', { skip }, () => {
  const faults: readonly (readonly [what: string, strike: (namespace: string) => Promise<unknown>])[] = [
    ['the database restarts', restartDatabase],
    ['every operator is killed', killOperators],
    ['the sidecar is killed', killSidecar],
  ];
  for (const [what, strike] of faults) {
    test(`when ${what} under a stream of calls`, async (t) => {
      const { name, organizationId } = await makeTenant(t);
      // A retry would be a second call to the provider under the same name.
      const options = { prefix: name, pauseMs: 30, maxRetries: 0 };
      await startCalls(name, endless, { metadata: { session: '$SESSION', sandbox: 'latency=30' } }, options);
      await untilAnswered(name, 20);
      await strike(name);
      await untilAnswered(name, 20);
      const outcomes = await endCalls(name);
      const answered = outcomes.filter(({ id }) => id !== undefined);
      t.diagnostic(`${answered.length} of ${outcomes.length} calls were answered`);

      await assertAccounts({ name, organizationId }, answered);
    });
  }
});

async function killOperators(): Promise<void> {
  const pods = ['pods', '--namespace', operatorNamespace, '--selector=app.kubernetes.io/component=operator'];
  await kubectl('delete', ...pods, '--force', '--grace-period=0');
  await kubectl('rollout', 'status', 'deployment/chaperone', '--namespace', operatorNamespace, '--timeout=180s');
}

/** From within a container its first process cannot be killed, so this is done from the node's side. */
async function killSidecar(namespace: string): Promise<void> {
  const { items } = await getJson<{ items: { metadata: { uid: string } }[] }>(
    ...['pods', '--namespace', namespace, '--selector=job-name=calls'],
  );
  const uid = items[0]?.metadata.uid ?? '';
  const script = `
    const { readdirSync, readFileSync } = require('node:fs');
    const read = (pid, file) => { try { return readFileSync('/proc/' + pid + '/' + file, 'utf8') } catch { return '' } };
    const victims = readdirSync('/proc').filter((pid) => /^[0-9]+$/.test(pid)
      && read(pid, 'cmdline').includes('chaperone.js\\0proxy')
      && read(pid, 'cgroup').replaceAll('_', '-').includes(process.argv[1]));
    if (victims.length !== 1) throw new Error('found ' + victims.length + ' sidecars');
    process.kill(Number(victims[0]), 'SIGKILL');`;
  await apply(namespace, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'killer' },
    spec: {
      hostPID: true,
      restartPolicy: 'Never',
      containers: [
        {
          name: 'killer',
          image: 'chaperone-example:dev',
          command: ['node', '-e', script, uid],
          securityContext: { runAsUser: 0 },
        },
      ],
    },
  });
  const phase = '--for=jsonpath={.status.phase}=Succeeded';
  await kubectl('wait', '--namespace', namespace, phase, 'pod/killer', '--timeout=180s');
}
