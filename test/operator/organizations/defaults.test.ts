import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeDefaults, stateDefaults } from '../../../operator/organizations/defaults.ts';
import { makeOrganization } from '../memory-cluster.ts';

const { spec } = makeOrganization('acme');
const { defaultRoles: _, ...authentication } = spec.authentication;
const silent = { ...spec, authentication };

test('who says nothing of roles is a member', () => {
  const { spec: stated, former } = stateDefaults(silent, false);
  assert.deepEqual(stated, { ...silent, authentication: { ...authentication, defaultRoles: ['member'] } });
  assert.deepEqual(former, []);
  assert.equal(judgeDefaults(former, false), undefined);
});

test('in an organization of before, it is an admin until the Organization states something, which is said', () => {
  const { spec: stated, former } = stateDefaults(silent, true);
  assert.deepEqual(stated.authentication.defaultRoles, ['admin']);
  const verdict = judgeDefaults(former, true);
  assert.deepEqual([verdict?.type, verdict?.status, verdict?.reason], ['DefaultsStated', false, 'FormerDefaults']);
  assert.match(verdict?.message ?? '', /spec\.authentication\.defaultRoles \(\[admin\] until stated/);
});

for (const keepsOldDefaults of [true, false]) {
  test(`what is stated is so, ${keepsOldDefaults ? 'of before' : 'new'}`, () => {
    assert.deepEqual(stateDefaults(spec, keepsOldDefaults), { spec, former: [] });
  });
}

test('once all is stated, an organization of before says that', () => {
  assert.equal(judgeDefaults([], true)?.status, true);
});
