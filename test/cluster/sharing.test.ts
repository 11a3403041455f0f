import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Client } from 'pg';
import { suiteScope } from '../scope.ts';
import { openableKeys } from '../sealed-keys.ts';
import { until } from '../until.ts';

import { skip } from './cluster-under-test.ts';
import { analysisConfig, binding, decode, organization, persona, secret } from './resources.ts';
import { governance, type RunningOperator, type Stage, setStage } from './stage.ts';

const members = ['api', 'web'] as const;
const everyone = [{ namespace: 'api' }, { namespace: 'web', users: ['ceo'] }];

describe('a binding that serves one namespace', { skip }, () => {
  const scope = suiteScope();
  let stage: Stage;
  let operator: RunningOperator;

  const openableIn = async (namespace: string) => {
    const found = await stage.hands.find('Secret', `${namespace}/chaperone-acme`);
    const files = Object.keys(found?.data ?? {}).map((file) => decode(found, file));
    const login = new Client({ connectionString: decode(found, 'database-url') });
    await login.connect();
    return openableKeys(login, files).finally(() => login.end());
  };
  const conditionOf = async (kind: 'Organization' | 'ApiKeyBinding' | 'Persona', path: string, type: string) => {
    const { status } = (await stage.hands.find(kind, path)) ?? {};
    return status?.conditions?.find((condition) => condition.type === type);
  };
  const untilCondition = (
    kind: 'Organization' | 'ApiKeyBinding' | 'Persona',
    path: string,
    type: string,
    reason: string,
  ) =>
    until(async () => {
      const condition = await conditionOf(kind, path, type);
      return condition?.reason === reason && condition;
    }, `${type} of ${kind} ${path} to be ${reason}`);
  const served = async () => {
    const { rows } = await stage.db.query<{ served: string }>(
      `select resource || ' ' || coalesce(serves_namespace, 'everyone') as served
       from (select resource, serves_namespace, deleted_at from chaperone.api_keys
             union all select resource, serves_namespace, deleted_at from chaperone.personas
             union all select resource, serves_namespace, deleted_at from chaperone.analysis_configs) owned
       where deleted_at is null`,
    );
    return rows.map((row) => row.served).sort();
  };
  const own = [
    ...['api/intent api', 'api/openai api', 'api/support api'],
    ...['web/intent web', 'web/openai web', 'web/support web'],
  ];
  const former = [...own.map((row) => row.replace(/ .*/, ' everyone')), 'web/ceo everyone'].sort();

  before(async () => {
    stage = await setStage(scope);
    const { hands } = stage;
    await hands.create('Namespace', 'api', {}, { labels: { org: 'acme' } });
    operator = await stage.startOperator();
    await hands.create('Organization', 'acme', organization({ sharing: undefined }));
    for (const member of members) {
      await hands.create('Secret', `${member}/openai`, secret({ key: `sk-${member}` }));
      await hands.create('ApiKeyBinding', `${member}/openai`, binding());
      await hands.create('Persona', `${member}/support`, persona({ name: member }));
      await hands.create('AnalysisConfig', `${member}/intent`, analysisConfig({ name: member }));
      await hands.untilReason('ApiKeyBinding', `${member}/openai`, 'Ready');
      await hands.untilReason('Persona', `${member}/support`, 'Ready');
      await hands.untilReason('AnalysisConfig', `${member}/intent`, 'Ready');
    }
  });

  test('can be opened only with the Secret of that namespace', async () => {
    assert.deepEqual(await served(), own);
    for (const member of members) {
      assert.deepEqual(await openableIn(member), [`sk-${member}`]);
      assert.equal((await stage.hands.find('ApiKeyBinding', `${member}/openai`))?.status?.serves, 'Namespace');
    }
    assert.deepEqual(await openableIn(governance), [], 'the operator’s own copy has no namespace’s keys');
    const signing = await stage.hands.find('Secret', `${governance}/chaperone-acme-signing-keys`);
    const master = JSON.parse(decode(signing, 'namespace-master.json')) as { keys: Record<string, string> };
    for (const place of [...members, governance]) {
      const copy = await stage.hands.find('Secret', `${place}/chaperone-acme`);
      const text = Object.keys(copy?.data ?? {}).map((file) => decode(copy, file));
      for (const key of Object.values(master.keys)) assert.ok(!text.join('\n').includes(key));
    }
  });

  test('serves no other without consent, and says which consent it needs', async () => {
    const { hands } = stage;
    await hands.create('ApiKeyBinding', 'web/ceo', binding({ user: 'ceo' }));
    const refused = await hands.untilReason('ApiKeyBinding', 'web/ceo', 'ConsentMissing');
    assert.equal(refused.status?.serves, undefined);
    assert.equal(await hands.find('Secret', 'web/ceo-synthetic-key'), undefined);
    await hands.change('Organization', 'acme', { spec: { sharing: everyone } });
    const given = await hands.untilReason('ApiKeyBinding', 'web/ceo', 'Ready');
    assert.equal(given.status?.serves, 'Organization');
    // Two keys of one provider for everyone: the older one.
    await hands.untilReason('ApiKeyBinding', 'web/openai', 'Competing');
    await until(async () => (await openableIn('web')).join() === 'sk-api,sk-web', 'the shared keys to open');
    await hands.change('Organization', 'acme', { spec: { sharing: null } });
    await hands.untilReason('ApiKeyBinding', 'web/ceo', 'ConsentMissing');
    await hands.untilReason('ApiKeyBinding', 'web/openai', 'Ready');
    await until(async () => (await openableIn('web')).join() === 'sk-web', 'its own key alone to open');
  });

  test('from before an upgrade serves everyone until the Organization states otherwise', async () => {
    const { hands, db } = stage;
    const keyOf = async () => decode(await hands.find('Secret', 'web/openai-synthetic-key'), 'api-key');
    const key = await keyOf();
    await operator.stop();
    // As the former version left it.
    await db.query('update chaperone.organizations set shares_by_default = true');
    operator = await stage.startOperator({ propagationMs: 1_000 });
    const told = await untilCondition('Organization', 'acme', 'SharingDeclared', 'SharingUndeclared');
    assert.match(
      told.message,
      /spec\.sharing: \[\{namespace: api, resources: \[AnalysisConfig, ApiKeyBinding, Persona\]\}, \{namespace: web, .*users: \["ceo"\]\}\]/,
    );
    await hands.untilReason('ApiKeyBinding', 'web/ceo', 'Ready');
    await until(async () => (await served()).join() === former.join(), 'everything to serve everyone');
    const ceo = await untilCondition('ApiKeyBinding', 'web/ceo', 'Consent', 'SharingUndeclared');
    assert.match(
      ceo.message,
      /without \{namespace: web, resources: \[ApiKeyBinding\], users: \["ceo"\]\}, it will not be in force/,
    );
    await untilCondition('Persona', 'api/support', 'Consent', 'SharingUndeclared');

    await hands.change('Organization', 'acme', { spec: { sharing: [] } });
    await untilCondition('Organization', 'acme', 'SharingDeclared', 'Declared');
    await hands.untilReason('ApiKeyBinding', 'web/ceo', 'ConsentMissing');
    await until(async () => (await served()).join() === own.join(), 'each to serve its own namespace');
    assert.equal(await keyOf(), key, 'applications keep their key');
    // For good, whatever is stated later.
    await hands.change('Organization', 'acme', { spec: { sharing: null, displayName: 'Acme' } });
    await until(async () => {
      const { status, metadata } = (await hands.find('Organization', 'acme')) ?? {};
      return status?.observedGeneration === metadata?.generation;
    }, 'the change to be looked at');
    assert.equal((await conditionOf('Organization', 'acme', 'SharingDeclared'))?.status, 'True');
    assert.deepEqual(await served(), own);
  });

  test('from before an upgrade serves everyone while a sidecar of the former version runs', async () => {
    const { hands, db } = stage;
    await operator.stop();
    await db.query('update chaperone.organizations set shares_by_default = true');
    await hands.change('Organization', 'acme', { spec: { sharing: [] } });
    const pod = { kind: 'Deployment', namespace: 'web', name: 'shop', pods: 2, hash: 'new', pod: 'shop-1', labels: {} };
    let outdated = [pod];
    let tell = (_: string) => {};
    const fleet = {
      find: () => ({ pods: new Map(), outdated }),
      subscribe: (listener: (organization: string) => void) => {
        tell = listener;
        return () => {};
      },
    };
    const workloads = { find: async () => undefined, roll: async () => {} };
    const findInadmissible = async () => [];
    const sidecars = { fleet, workloads, findInadmissible, rollsFromMs: 0 };
    operator = await stage.startOperator({ propagationMs: 0, sidecars });
    const waits = await untilCondition('Organization', 'acme', 'SharingDeclared', 'WaitingForSidecars');
    assert.match(waits.message, /2 pods have an outdated sidecar/);
    await hands.untilReason('ApiKeyBinding', 'web/ceo', 'Ready');
    await until(async () => (await served()).join() === former.join(), 'everything to serve everyone');
    outdated = [];
    tell('acme');
    await untilCondition('Organization', 'acme', 'SharingDeclared', 'Declared');
    await until(async () => (await served()).join() === own.join(), 'each to serve its own namespace');
  });
});
