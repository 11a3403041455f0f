import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { managersOf } from '../../../operator/audit/managers.ts';

const manager = (name: string, second: number, spec: object) => ({
  manager: name,
  operation: 'Apply',
  time: `2026-01-01T00:00:0${second}Z`,
  fields: JSON.stringify({ 'f:spec': spec }),
});
const helm = manager('helm', 1, { 'f:displayName': {}, 'f:models': { '.': {}, 'f:allow': {} } });
const team = manager('team', 3, { 'f:limits': { 'k:{"name":"calls"}': { '.': {}, 'f:requests': { 'f:count': {} } } } });
const atomic = manager('atomic', 2, { 'f:providers': {} });
const all = [helm, team, atomic];

const namesOf = (field: string, values: object = { after: 1 }) =>
  managersOf(all, [{ field, ...values }]).map((one) => one.manager);

describe('who made a change', () => {
  const cases: readonly [string, string[]][] = [
    ['spec.displayName', ['helm']],
    ['spec.models.allow', ['helm']],
    ['spec.limits[calls].requests.count', ['team']],
    ['spec.limits[others].requests.count', []],
    ['spec.providers[openai].baseUrl', ['atomic']],
    ['spec.sessions.idleTimeout', []],
    ['spec', ['helm', 'team', 'atomic']],
  ];
  for (const [field, expected] of cases) test(field, () => assert.deepEqual(namesOf(field), expected));

  test('a removed field has nobody any more: it is who changed the resource last', () => {
    assert.deepEqual(namesOf('spec.displayName', { before: 1 }), ['team']);
  });

  test('all of them, with what the API server says of each', () => {
    const changes = [
      { field: 'spec.displayName', before: 'a', after: 'b' },
      { field: 'spec.providers', after: [] },
    ];
    assert.deepEqual(managersOf(all, changes), [
      { manager: 'helm', operation: 'Apply', at: helm.time },
      { manager: 'atomic', operation: 'Apply', at: atomic.time },
    ]);
  });

  test('without managers, the directory', () => {
    assert.deepEqual(managersOf(undefined, []), [{ manager: 'directory' }]);
  });
});
