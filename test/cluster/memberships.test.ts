import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';

import { skip } from './cluster-under-test.ts';
import { binding, decode, organization, secret } from './resources.ts';
import { type Stage, setStage } from './stage.ts';

describe('the namespaces of organizations', { skip }, () => {
  const scope = suiteScope();
  let stage: Stage;

  before(async () => {
    stage = await setStage(scope);
    await stage.startOperator();
  });

  test('an organization without namespaces says so, with the number of its bindings in force', async () => {
    const { hands } = stage;
    await hands.create('Organization', 'idle', organization({ namespaceSelector: { matchLabels: { team: 'idle' } } }));
    const idle = await hands.untilReason('Organization', 'idle', 'NoNamespaces');
    assert.match(idle.status?.conditions?.[0]?.message ?? '', /kubectl label namespace NAME team=idle$/);
    const keysAre = (keys: string) =>
      until(async () => (await hands.find('Organization', 'idle'))?.status?.keys === keys, `keys to be ${keys}`);
    await hands.create('Namespace', 'lazy', {}, { labels: {} });
    const of = (user: string) => binding({ organizationRef: { name: 'idle' }, user });
    await hands.create('ApiKeyBinding', 'lazy/ada', of('ada'));
    await hands.create('ApiKeyBinding', 'lazy/bob', of('bob'));
    await keysAre('0/2');
    await hands.change('Organization', 'idle', { spec: { sharing: [{ namespace: 'lazy', users: ['*'] }] } });
    await hands.change('Namespace', 'lazy', { metadata: { labels: { team: 'idle' } } });
    await hands.untilReason('Organization', 'idle', 'Ready');
    await keysAre('0/2');
    await hands.create('Secret', 'lazy/openai', secret({ key: 'sk-1' }));
    await keysAre('2/2');
    await hands.change('ApiKeyBinding', 'lazy/bob', { spec: { active: false } });
    await keysAre('1/1');
    await hands.remove('Secret', 'lazy/openai');
    await keysAre('0/1');
  });

  test('that two organizations select belong to the older one, which both say; system namespaces belong to none', async () => {
    const { hands, client } = stage;
    await hands.create('Organization', 'acme', organization());
    const { metadata } = await hands.untilReason('Organization', 'acme', 'Ready');
    await until(() => hands.find('Secret', 'web/chaperone-acme'), 'the credentials');
    // Ages are in whole seconds.
    const born = Date.parse(metadata.creationTimestamp);
    await until(() => Date.now() >= born + 1_000, 'the next second');
    await hands.create('Organization', 'greedy', organization({ namespaceSelector: {} }));
    const conditionOf = async (name: string) =>
      (await hands.find('Organization', name))?.status?.conditions?.find(({ type }) => type === 'NamespacesExclusive');
    const overlap = (name: string) =>
      until(async () => {
        const condition = await conditionOf(name);
        return condition?.reason === 'SelectorsOverlap' ? condition : undefined;
      }, `${name} to tell of the overlap`);
    assert.match((await overlap('greedy')).message, /"web" belongs to acme/);
    assert.match((await overlap('acme')).message, /"web" belongs to this one, and is also selected by greedy/);
    const greedy = await hands.untilReason('Organization', 'greedy', 'Ready');
    assert.deepEqual(greedy.status?.memberNamespaces, ['default']);
    for (const place of ['web', 'kube-system', 'kube-public', 'kube-node-lease']) {
      assert.equal(await hands.find('Secret', `${place}/chaperone-greedy`), undefined);
    }
    await until(async () => {
      const path = '/apis/events.k8s.io/v1/namespaces/default/events';
      const { items } = await client.send<{ items: { reason: string; regarding: { name: string } }[] }>({
        method: 'GET',
        path,
      });
      const told = items.filter(({ reason }) => reason === 'SelectorsOverlap').map(({ regarding }) => regarding.name);
      return ['acme', 'greedy'].every((name) => told.includes(name));
    }, 'an Event on both');

    await hands.remove('Organization', 'acme');
    await hands.untilGone('Organization', 'acme');
    await until(() => hands.find('Secret', 'web/chaperone-greedy'), 'the other one to take over');
    await until(async () => !(await conditionOf('greedy'))?.message.includes('acme'), 'the overlap to be over');
    await hands.remove('Organization', 'greedy');
    await hands.untilGone('Organization', 'greedy');
  });

  test('that come back get the synthetic keys that their pods still have', async () => {
    const { hands, db } = stage;
    const selector = { matchLabels: { team: 'back' } };
    await hands.create('Namespace', 'back', {}, { labels: { team: 'back' } });
    await hands.create('Organization', 'back', organization({ namespaceSelector: selector }));
    await hands.create('Secret', 'back/openai', secret({ key: 'sk-1' }));
    await hands.create('ApiKeyBinding', 'back/shared', binding({ organizationRef: { name: 'back' } }));
    const inForce = async () => {
      const { rows } = await db.query<{ hash: string }>(
        `select encode(synthetic_key_sha256, 'hex') as hash from chaperone.api_keys
         where resource = 'back/shared' and deleted_at is null`,
      );
      return rows.map(({ hash }) => hash);
    };
    await hands.untilReason('ApiKeyBinding', 'back/shared', 'Ready');
    const key = decode(await hands.find('Secret', 'back/shared-synthetic-key'), 'api-key');
    const before = await inForce();
    assert.equal(before.length, 1);

    await hands.change('Namespace', 'back', { metadata: { labels: { team: null } } });
    const left = await hands.untilReason('ApiKeyBinding', 'back/shared', 'NamespaceNotMember');
    // No new pod is given what nobody accepts.
    assert.equal(left.status?.secretName, undefined);
    assert.deepEqual(await inForce(), []);

    await hands.change('Namespace', 'back', { metadata: { labels: { team: 'back' } } });
    await hands.untilReason('ApiKeyBinding', 'back/shared', 'Ready');
    assert.equal(decode(await hands.find('Secret', 'back/shared-synthetic-key'), 'api-key'), key);
    assert.deepEqual(await inForce(), before);

    await hands.change('Namespace', 'back', { metadata: { labels: { team: null } } });
    await hands.untilReason('ApiKeyBinding', 'back/shared', 'NamespaceNotMember');
    await hands.remove('ApiKeyBinding', 'back/shared');
    await hands.untilGone('Secret', 'back/shared-synthetic-key');
  });
});
