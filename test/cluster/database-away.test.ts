import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { suiteScope } from '../scope.ts';
import { startRelay, viaPort } from '../tcp-relay.ts';
import { until } from '../until.ts';

import { skip } from './cluster-under-test.ts';
import { analysisConfig, binding, organization, persona, secret } from './resources.ts';
import { setStage } from './stage.ts';

describe('an operator whose database goes away', { skip }, () => {
  const scope = suiteScope();

  test('says so on objects that cannot be reconciled, and reconciles them once the database is back', async () => {
    const { hands, client, databaseUrl, startOperator } = await setStage(scope);
    const relay = await startRelay(scope, Number(new URL(databaseUrl).port));
    await startOperator({
      databaseUrl: viaPort(databaseUrl, relay.port),
      proxyDatabaseUrl: databaseUrl,
      eventPatienceMs: 0,
    });
    await hands.create('Organization', 'acme', organization());
    await hands.create('Secret', 'web/openai', secret({ key: 'sk-1' }));
    await hands.create('ApiKeyBinding', 'web/shared', binding());
    await hands.create('AnalysisConfig', 'web/intent', analysisConfig());
    await hands.create('Persona', 'web/support', persona());
    await hands.create('Persona', 'web/still', persona({ name: 'Still' }));
    const changed = [
      ['ApiKeyBinding', 'web/shared', { spec: { models: ['gpt-4o'] } }],
      ['AnalysisConfig', 'web/intent', { spec: { name: 'Purpose' } }],
      ['Persona', 'web/support', { spec: { content: 'Be brief.' } }],
    ] as const;
    for (const [kind, path] of changed) await hands.untilReason(kind, path, 'Ready');
    await hands.untilReason('Persona', 'web/still', 'Ready');

    await relay.close();
    // Nobody touches it: the outage alone is enough.
    const away = await hands.untilReason('Organization', 'acme', 'DatabaseUnavailable');
    assert.equal(away.status?.conditions?.find(({ type }) => type === 'DatabaseReady')?.status, 'False');
    for (const [kind, path, patch] of changed) {
      await hands.change(kind, path, patch);
      const { metadata, status } = await hands.untilReason(kind, path, 'DatabaseUnavailable');
      assert.equal(status?.observedGeneration, metadata.generation);
      assert.match(
        status?.conditions?.[0]?.message ?? '',
        /^The database cannot be used \(.+\)\..*waits until it is back/,
      );
    }
    const { status } = (await hands.find('ApiKeyBinding', 'web/shared')) ?? {};
    assert.equal(status?.secretName, 'shared-synthetic-key');
    // What has not changed is in force as it says.
    await hands.untilReason('Persona', 'web/still', 'Ready');
    const noted = async (namespace: string, name: string) => {
      const { items } = await client.send<{ items: { reason: string; regarding: { name: string } }[] }>({
        method: 'GET',
        path: `/apis/events.k8s.io/v1/namespaces/${namespace}/events`,
      });
      return items.some(({ reason, regarding }) => reason === 'DatabaseUnavailable' && regarding.name === name);
    };
    await until(() => noted('default', 'acme'), 'an Event on the Organization');
    for (const [, path] of changed) await until(() => noted('web', path.slice(4)), `an Event on ${path}`);

    await relay.open();
    await hands.untilReason('Organization', 'acme', 'Ready');
    for (const [kind, path] of changed) await hands.untilReason(kind, path, 'Ready');
  });

  test('says so on objects that fail for another reason, and reconciles them once it works', async () => {
    const { hands, db, startOperator } = await setStage(scope);
    await startOperator();
    await hands.create('Organization', 'acme', organization());
    await hands.create('Persona', 'web/support', persona());
    await hands.untilReason('Persona', 'web/support', 'Ready');
    // Whatever a database may have been made to refuse by somebody who may.
    await db.query(`
      create function public.refuse() returns trigger language plpgsql as $$
        begin raise exception 'personas are frozen until Monday'; end $$;
      create trigger refuse before insert or update on chaperone.personas for each row execute function public.refuse()`);
    await hands.change('Persona', 'web/support', { spec: { content: 'Be brief.' } });
    const { metadata, status } = await hands.untilReason('Persona', 'web/support', 'ReconcileFailed');
    assert.equal(status?.observedGeneration, metadata.generation);
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    assert.equal(ready?.status, 'False');
    assert.match(ready?.message ?? '', /personas are frozen until Monday/);
    assert.ok(status?.contentHash, 'what is known stays');
    await db.query('drop trigger refuse on chaperone.personas');
    await hands.untilReason('Persona', 'web/support', 'Ready');
  });
});
