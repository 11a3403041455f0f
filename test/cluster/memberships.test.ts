import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { until } from '../until.ts';
import { suiteScope } from '../up/start-up.ts';
import { skip } from './cluster-under-test.ts';
import { binding, organization, secret } from './resources.ts';
import { type Stage, setStage } from './stage.ts';

describe('the namespaces of organizations', { skip }, () => {
  const scope = suiteScope();
  let stage: Stage;

  before(async () => {
    stage = await setStage(scope);
    await stage.startOperator();
  });

  test('an organization without any says so, and how many of its bindings are in force', async () => {
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
});
