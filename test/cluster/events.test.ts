import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';

import { skip } from './cluster-under-test.ts';
import { binding, organization, persona, secret } from './resources.ts';
import { setStage } from './stage.ts';

interface ApiEvent {
  readonly type: string;
  readonly reason: string;
  readonly note: string;
  readonly reportingController: string;
  readonly regarding: { readonly kind: string; readonly name: string };
}

describe("the operator's Events", { skip }, () => {
  const scope = suiteScope();

  test('warn only of what somebody must act on, and report edits and rotations', async () => {
    const { hands, client, startOperator } = await setStage(scope);
    // By then everything that is applied below refers to something, however slow the machine is.
    await startOperator({ eventPatienceMs: 10_000, propagationMs: 1_000 });
    const list = async () => {
      const { items } = await client.send<{ items: ApiEvent[] }>({
        method: 'GET',
        path: '/apis/events.k8s.io/v1/events',
      });
      // The API server has Events of its own.
      return items.filter(({ reportingController }) => reportingController === 'chaperone.dev/operator');
    };
    const untilTold = (reason: string, name: string) =>
      until(
        async () => (await list()).find((event) => event.reason === reason && event.regarding.name === name),
        `an Event ${reason} on ${name}`,
      );

    // All in the order in which nothing is there that it refers to.
    await hands.create('Persona', 'web/support', persona());
    await hands.untilReason('Persona', 'web/support', 'OrganizationNotFound');
    await hands.create('ApiKeyBinding', 'web/shared', binding());
    await hands.create('Organization', 'acme', organization({ sharing: [{ namespace: 'web', users: ['*'] }] }));
    await hands.untilReason('ApiKeyBinding', 'web/shared', 'SecretNotFound');
    await hands.create('Secret', 'web/openai', secret({ key: 'sk-1' }));
    await hands.untilReason('ApiKeyBinding', 'web/shared', 'Ready');
    await hands.untilReason('Persona', 'web/support', 'Ready');
    await hands.untilReason('Organization', 'acme', 'Ready');
    // It is the youngest, so its Warning is the last of those that wait.
    await hands.create('ApiKeyBinding', 'web/broken', binding({ secretKeyRef: { name: 'nowhere', key: 'key' } }));
    await untilTold('SecretNotFound', 'broken');
    const warnings = (await list()).filter(({ type }) => type === 'Warning');
    assert.deepEqual(
      // The test's server has no limits, which is for somebody to act on.
      warnings.map(({ reason, regarding }) => `${reason} ${regarding.name}`).filter((one) => !one.includes('Limits')),
      ['SecretNotFound broken'],
    );

    const contentHash = async () => (await hands.find('Persona', 'web/support'))?.status?.contentHash ?? '';
    const before = await contentHash();
    await hands.change('Persona', 'web/support', { spec: { content: 'Be brief.', model: 'o3' } });
    const edit = await untilTold('Updated', 'support');
    // The Event comes before the status.
    const after = await until(async () => {
      const hash = await contentHash();
      return hash !== before && hash;
    }, 'the status to have another hash');
    assert.deepEqual(
      [edit.type, edit.note],
      [
        'Normal',
        `A change is in force from now on: content ${after.slice(0, 12)} (before: ${before.slice(0, 12)}), model.`,
      ],
    );

    await hands.change('Secret', 'web/openai', { stringData: { key: 'sk-2' } });
    assert.match((await untilTold('Updated', 'shared')).note, /fingerprint [0-9a-f]{16} is in force from now on/);
    await hands.remove('Secret', 'web/shared-synthetic-key');
    const replaced = await untilTold('SyntheticKeyReplaced', 'shared');
    assert.equal(replaced.type, 'Warning', 'somebody must roll the pods');
    assert.ok((await hands.find('ApiKeyBinding', 'web/shared'))?.status);

    // Ages are in whole seconds.
    const rotate = new Date(Date.now() + 1_000).toISOString().replace(/\.\d+Z$/, 'Z');
    await hands.change('Organization', 'acme', { metadata: { annotations: { 'chaperone.dev/rotate': rotate } } });
    for (const reason of ['TokenKeyIssued', 'DataKeyIssued', 'DatabasePasswordRotated', 'TokenKeyInUse']) {
      assert.equal((await untilTold(reason, 'acme')).type, 'Normal');
    }
  });

  test('do not warn of namespaces that belong to an Organization, at any start', async () => {
    const { hands, client, startOperator } = await setStage(scope);
    await hands.create('Namespace', 'api', {}, { labels: { org: 'acme' } });
    const sharing = [{ namespace: 'api' }, { namespace: 'web', users: ['*'] }];
    await hands.create('Organization', 'acme', organization({ sharing }));
    for (let start = 1; start <= 2; start += 1) {
      // Each Warning is told at once.
      const operator = await startOperator({ eventPatienceMs: 0 });
      await until(async () => {
        const { conditions = [] } = (await hands.find('Organization', 'acme'))?.status ?? {};
        return conditions.some(({ type, reason }) => type === 'SharingDeclared' && reason === 'Declared');
      }, 'spec.sharing to be in force');
      await operator.idle();
      await operator.stop();
    }
    const path = '/apis/events.k8s.io/v1/events';
    const { items } = await client.send<{ items: ApiEvent[] }>({ method: 'GET', path });
    const reasons = items.map(({ reason }) => reason);
    assert.ok(!reasons.includes('SharingNamespacesNotMembers'), reasons.join());
  });
});
