import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { objectPath } from '../../operator/cluster/kubernetes/resources.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';

import { skip } from './cluster-under-test.ts';
import { binding, organization, secret } from './resources.ts';
import { type Stage, setStage } from './stage.ts';

const definition = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/organizations.chaperone.dev';
const field =
  '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/authentication/properties/defaultRoles';

describe('roles by default, before and after an upgrade', { skip }, () => {
  const scope = suiteScope();
  let stage: Stage;

  const changeDefinition = (patch: object) =>
    stage.client.send({ method: 'PATCH', path: definition, contentType: 'application/json-patch+json', body: [patch] });
  const apply = (spec: object, name = 'acme') =>
    stage.client.send<{ spec: { authentication?: { defaultRoles?: string[] } } }>({
      method: 'PATCH',
      path: `${objectPath({ kind: 'Organization', namespace: '', name })}?fieldManager=flux&force=true`,
      contentType: 'application/apply-patch+yaml',
      body: { apiVersion: 'chaperone.dev/v1alpha1', kind: 'Organization', metadata: { name }, ...organization(spec) },
    });
  const storedRoles = async (name = 'acme') => {
    const { rows } = await stage.db.query<{ roles: string[] | null }>(
      `select spec -> 'authentication' -> 'defaultRoles' as roles from chaperone.organizations where name = $1`,
      [name],
    );
    return rows[0]?.roles;
  };
  const conditionOf = async (name: string, type: string) =>
    (await stage.hands.find('Organization', name))?.status?.conditions?.find((one) => one.type === type);

  before(async () => {
    stage = await setStage(scope);
    // As the version before had it: the API server fills the default in, and keeps it.
    await changeDefinition({ op: 'add', path: `${field}/default`, value: ['admin'] });
    await until(
      async () => (await apply({})).spec.authentication?.defaultRoles?.[0] === 'admin',
      'the API server to fill the default in',
    );
    // As `kubectl apply` does by default, and whoever applies with its library.
    const globex = organization({ namespaceSelector: { matchLabels: { org: 'globex' } } });
    const manifest = { apiVersion: 'chaperone.dev/v1alpha1', kind: 'Organization', metadata: { name: 'globex' } };
    await stage.client.send({
      method: 'POST',
      path: `${objectPath({ kind: 'Organization', namespace: '', name: '' }).replace(/\/$/, '')}?fieldManager=argocd-controller`,
      body: {
        ...{ ...manifest, ...globex },
        metadata: {
          ...manifest.metadata,
          annotations: {
            'kubectl.kubernetes.io/last-applied-configuration': JSON.stringify({ ...manifest, ...globex }),
          },
        },
      },
    });
    await changeDefinition({ op: 'remove', path: `${field}/default` });
    await stage.startOperator();
    await stage.hands.untilReason('Organization', 'acme', 'Ready');
  });

  test('a value that the former schema filled in counts as not stated', async () => {
    assert.deepEqual((await apply({})).spec.authentication?.defaultRoles, ['admin']);
    await until(async () => (await storedRoles())?.[0] === 'member', 'the default of today');
    assert.equal(await conditionOf('acme', 'DefaultsStated'), undefined);
    await stage.hands.untilReason('Organization', 'globex', 'NoNamespaces');
    assert.deepEqual(await storedRoles('globex'), ['member']);
  });

  test('an older organization keeps admin until its manifest states roles', async () => {
    await stage.db.query(`update chaperone.organizations set keeps_old_defaults = true where name = 'acme'`);
    await apply({ displayName: 'Acme' });
    const told = await until(() => conditionOf('acme', 'DefaultsStated'), 'the condition');
    assert.deepEqual([told.status, told.reason], ['False', 'FormerDefaults']);
    assert.match(told.message, /spec\.authentication\.defaultRoles/);
    assert.deepEqual(await storedRoles(), ['admin']);
    assert.equal((await conditionOf('acme', 'Ready'))?.status, 'True');
    await apply({ authentication: { defaultRoles: ['analyst'] } });
    await until(async () => (await conditionOf('acme', 'DefaultsStated'))?.status === 'True', 'it to be stated');
    assert.deepEqual(await storedRoles(), ['analyst']);
  });

  test('a binding’s synthetic key gets more than a member’s roles with the Organization’s consent', async () => {
    const { hands, db } = stage;
    const roles = async () => {
      const { rows } = await db.query<{ roles: string[] }>(
        'select roles from chaperone.api_keys where deleted_at is null',
      );
      return rows[0]?.roles;
    };
    await hands.create('Secret', 'web/openai', secret({ key: 'sk-shared' }));
    await hands.create('ApiKeyBinding', 'web/shared', binding());
    await hands.untilReason('ApiKeyBinding', 'web/shared', 'Ready');
    assert.deepEqual(await roles(), ['member']);
    await hands.change('ApiKeyBinding', 'web/shared', { spec: { roles: ['analyst'] } });
    await hands.untilReason('ApiKeyBinding', 'web/shared', 'RoleNotAllowed');
    assert.deepEqual(await roles(), ['member']);
    await apply({ authentication: { bindingRoles: ['analyst'] } });
    await hands.untilReason('ApiKeyBinding', 'web/shared', 'Ready');
    assert.deepEqual(await roles(), ['analyst']);
  });

  test('an older binding keeps the organization’s default roles until it states its own', async () => {
    const { hands, db } = stage;
    await hands.change('ApiKeyBinding', 'web/shared', { spec: { roles: null } });
    await until(async () => {
      const { metadata, status } = (await hands.find('ApiKeyBinding', 'web/shared')) ?? {};
      return status?.observedGeneration === metadata?.generation;
    }, 'the change to be in force');
    await db.query('update chaperone.api_keys set roles = null');
    await hands.change('ApiKeyBinding', 'web/shared', { spec: { models: ['gpt-*'] } });
    await hands.untilReason('ApiKeyBinding', 'web/shared', 'FormerRoles');
    const { rows } = await db.query('select roles from chaperone.api_keys');
    assert.deepEqual(rows, [{ roles: null }]);
    await hands.change('ApiKeyBinding', 'web/shared', { spec: { roles: ['member'] } });
    await hands.untilReason('ApiKeyBinding', 'web/shared', 'Ready');
  });
});
