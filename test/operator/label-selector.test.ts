import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import { matchesSelector } from '../../operator/label-selector.ts';

type Selector = OrganizationSpec['namespaceSelector'];
type Requirement = NonNullable<Selector['matchExpressions']>[number];

const labels = { team: 'web', tier: 'prod', empty: '' };

const cases: readonly (readonly [Selector, boolean])[] = [
  [{}, true],
  [{ matchLabels: {} }, true],
  [{ matchLabels: { team: 'web' } }, true],
  [{ matchLabels: { team: 'web', tier: 'prod' } }, true],
  [{ matchLabels: { team: 'web', tier: 'dev' } }, false],
  [{ matchLabels: { team: 'Web' } }, false],
  [{ matchLabels: { absent: '' } }, false],
  [{ matchLabels: { empty: '' } }, true],
  [{ matchLabels: { team: 'web' }, matchExpressions: [{ key: 'tier', operator: 'In', values: ['dev'] }] }, false],
  [{ matchLabels: { constructor: 'x' } }, false],
];
for (const [selector, expected] of cases) {
  test(`${JSON.stringify(selector)} ${expected ? 'matches' : 'does not match'}`, () => {
    assert.equal(matchesSelector(selector, labels), expected);
  });
}

const requirements: readonly (readonly [Requirement, boolean])[] = [
  [{ key: 'team', operator: 'In', values: ['api', 'web'] }, true],
  [{ key: 'team', operator: 'In', values: ['api'] }, false],
  [{ key: 'team', operator: 'In' }, false],
  [{ key: 'absent', operator: 'In', values: ['web'] }, false],
  [{ key: 'team', operator: 'NotIn', values: ['api'] }, true],
  [{ key: 'team', operator: 'NotIn', values: ['web'] }, false],
  [{ key: 'absent', operator: 'NotIn', values: ['web'] }, true],
  [{ key: 'empty', operator: 'Exists' }, true],
  [{ key: 'absent', operator: 'Exists' }, false],
  [{ key: 'absent', operator: 'DoesNotExist' }, true],
  [{ key: 'empty', operator: 'DoesNotExist' }, false],
];
for (const [requirement, expected] of requirements) {
  test(`${JSON.stringify(requirement)} ${expected ? 'holds' : 'does not hold'}`, () => {
    assert.equal(matchesSelector({ matchExpressions: [requirement] }, labels), expected);
    assert.equal(
      matchesSelector({ matchExpressions: [{ key: 'team', operator: 'Exists' }, requirement] }, labels),
      expected,
    );
  });
}

test('an object without labels matches only a selector without requirements', () => {
  assert.equal(matchesSelector({}, undefined), true);
  assert.equal(matchesSelector({ matchLabels: { team: 'web' } }, undefined), false);
});
