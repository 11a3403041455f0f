import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { ApiError } from '../../operator/cluster/kubernetes/api-error.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';

import { skip } from './cluster-under-test.ts';
import { organization, persona } from './resources.ts';
import { type Stage, setStage } from './stage.ts';

const definition = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/personas.chaperone.dev';
const field = '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/parameters/properties';

interface PersonaDefinition {
  readonly spec: { readonly versions: readonly [{ readonly schema: { readonly openAPIV3Schema: Schema } }] };
}

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
}

describe('parameters that a former version accepted', { skip }, () => {
  const scope = suiteScope();
  let stage: Stage;

  const changeDefinition = (patch: object) =>
    stage.client.send({ method: 'PATCH', path: definition, contentType: 'application/json-patch+json', body: [patch] });
  const create = (name: string, parameters: object) =>
    stage.hands.create('Persona', `web/${name}`, persona({ name, parameters })).then(
      () => undefined,
      (error: unknown) => {
        assert.ok(error instanceof ApiError);
        return error.message;
      },
    );
  const storedParameters = async () => {
    const { rows } = await stage.db.query<{ parameters: object }>(
      `select parameters from chaperone.personas where resource = 'web/former'`,
    );
    return rows[0]?.parameters;
  };

  before(async () => {
    stage = await setStage(scope);
    await stage.hands.create('Organization', 'acme', organization());
    const { spec } = await stage.client.send<PersonaDefinition>({ method: 'GET', path: definition });
    const { properties } = spec.versions[0].schema.openAPIV3Schema;
    const known = properties?.spec?.properties?.parameters?.properties;
    await changeDefinition({ op: 'remove', path: field });
    await until(
      async () => (await create('former', { temperature: 'hot', top_k: 1 })) === undefined,
      'the former definition to be served',
    );
    await changeDefinition({ op: 'add', path: field, value: known });
    let attempt = 0;
    await until(async () => {
      attempt += 1;
      return /spec\.parameters\.temperature.* must be of type number/.test(
        (await create(`new-${attempt}`, { temperature: 'hot' })) ?? '',
      );
    }, 'the definition of today to be served');
    await stage.startOperator();
  });

  test('are named by a condition, and do not come into force', async () => {
    const { status } = await stage.hands.untilReason('Persona', 'web/former', 'ParametersInvalid');
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    assert.equal(ready?.message, 'spec.parameters.temperature must be a number from 0 to 2, not "hot"; correct it.');
    assert.equal(await storedParameters(), undefined);
  });

  test('are corrected by an edit, which needs no other field', async () => {
    await stage.hands.change('Persona', 'web/former', { spec: { parameters: { temperature: 1 } } });
    await stage.hands.untilReason('Persona', 'web/former', 'Ready');
    assert.deepEqual(await storedParameters(), { temperature: 1, top_k: 1 });
  });

  test('stay in force where they already were, whatever else is edited', async () => {
    const hot = { temperature: 'hot', top_k: 1 };
    const known = await stage.client.send<PersonaDefinition>({ method: 'GET', path: definition });
    const { properties } = known.spec.versions[0].schema.openAPIV3Schema;
    await changeDefinition({ op: 'remove', path: field });
    await until(
      () =>
        stage.hands.change('Persona', 'web/former', { spec: { parameters: hot } }).then(
          () => true,
          () => false,
        ),
      'the former definition to be served',
    );
    await changeDefinition({ op: 'add', path: field, value: properties?.spec?.properties?.parameters?.properties });
    await until(async () => (await create('another', { top_p: 2 })) !== undefined, 'the definition of today');
    // As the former operator had put it in force.
    await stage.db.query(`update chaperone.personas set parameters = $1 where resource = 'web/former'`, [hot]);
    await stage.hands.change('Persona', 'web/former', { spec: { content: 'Be kinder.' } });
    await until(async () => {
      const { metadata, status } = (await stage.hands.find('Persona', 'web/former')) ?? {};
      return status?.observedGeneration === metadata?.generation;
    }, 'the edit to be judged');
    const { status } = await stage.hands.untilReason('Persona', 'web/former', 'ParametersInvalid');
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    assert.match(ready?.message ?? '', / Until then what was in force before stays in force\.$/);
    assert.deepEqual(await storedParameters(), hot);
  });
});
