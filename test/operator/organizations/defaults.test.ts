import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeDefaults, stateDefaults } from '../../../operator/organizations/defaults.ts';
import { makeOrganization } from '../memory-cluster.ts';

const { spec } = makeOrganization('acme');
const { defaultRoles: _, ...authentication } = spec.authentication;
const silent = { ...spec, authentication };

test('a caller without roles is a member', () => {
  const { spec: stated, former } = stateDefaults(silent, false);
  assert.deepEqual(stated, { ...silent, authentication: { ...authentication, defaultRoles: ['member'] } });
  assert.deepEqual(former, []);
  assert.equal(judgeDefaults(former, false), undefined);
});

test('a caller without roles is an admin in an older organization until it states roles, and the condition says so', () => {
  const { spec: stated, former } = stateDefaults(silent, true);
  assert.deepEqual(stated.authentication.defaultRoles, ['admin']);
  const verdict = judgeDefaults(former, true);
  assert.deepEqual([verdict?.type, verdict?.status, verdict?.reason], ['DefaultsStated', false, 'FormerDefaults']);
  assert.match(verdict?.message ?? '', /spec\.authentication\.defaultRoles \(\[admin\] until stated/);
});

for (const keepsOldDefaults of [true, false]) {
  test(`stated roles apply in ${keepsOldDefaults ? 'an older' : 'a new'} organization`, () => {
    assert.deepEqual(stateDefaults(spec, keepsOldDefaults), { spec, former: [] });
  });
}

test('an older organization that states everything says so', () => {
  assert.equal(judgeDefaults([], true)?.status, true);
});
