import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decideBinding } from '../../operator/api-key-bindings/decide.ts';
import { refusesModel } from '../../operator/model-rule.ts';
import { makeModelRule } from '../../proxy/snapshot/model-rules.ts';
import { makeBinding, makeOrganization } from './memory-cluster.ts';
import { makeTenantObject } from './tenant-object.ts';

const rules = [
  undefined,
  {},
  { allow: ['*'] },
  { allow: ['gpt-4o', 'gpt-5*'] },
  { allow: ['gpt-*'], deny: ['gpt-4o'] },
  { deny: ['*-preview', 'o*'] },
];
const names = ['gpt-4o', 'gpt-4o-mini', 'gpt-5-nano', 'o3', 'gpt-5-preview', 'llama'];

for (const models of rules) {
  test(`with ${JSON.stringify(models)}, the operator refuses the models that proxies refuse`, () => {
    const allows = makeModelRule(models?.allow, models?.deny);
    for (const name of names) assert.equal(refusesModel(models ? { models } : {}, name), !allows(name), name);
  });
}

test('a binding is Ready only where at least one of its models is allowed', () => {
  for (const [models, reason] of [
    [['o3', 'llama'], 'ModelNotAllowed'],
    [['o3', 'gpt-4o'], 'Ready'],
    [['*'], 'Ready'],
  ] as const) {
    const binding = makeBinding('web/key', { models: [...models] });
    const organization = makeOrganization(
      'acme',
      { models: { allow: ['gpt-*'] } },
      { status: { sharing: 'Declared' } },
    );
    const gathered = {
      ...{ binding, hasProvider: true, providerKey: 'sk-secret', syntheticKey: 'chp_out', stored: undefined },
      ...{ competition: { rival: undefined, nextExpiryMs: undefined }, keepsFormerRoles: false },
      isOperatorsSecret: false,
    };
    const object = makeTenantObject<'ApiKeyBinding'>(binding, organization);
    assert.equal(decideBinding(gathered, object, 'chp_fresh', 0).verdict.reason, reason, models.join());
  }
});
