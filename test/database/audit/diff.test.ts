import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { diffFields, digestOf } from '../../../database/audit/diff.ts';

const long = 'x'.repeat(600);

describe('the fields that differ', () => {
  const cases: readonly [string, unknown, unknown, ReturnType<typeof diffFields>][] = [
    ['of equal values: none', { a: { b: [1] } }, { a: { b: [1] } }, []],
    ['of a changed field', { a: { b: 1 } }, { a: { b: 2 } }, [{ field: 'spec.a.b', before: 1, after: 2 }]],
    [
      'of an added field',
      {},
      { a: { b: 1, c: null } },
      [
        { field: 'spec', before: {} },
        { field: 'spec.a.b', after: 1 },
        { field: 'spec.a.c', after: null },
      ],
    ],
    ['of a removed field', { a: 1, b: 2 }, { b: 2 }, [{ field: 'spec.a', before: 1 }]],
    [
      'of an item that has a name, in any order',
      {
        limits: [
          { name: 'a', count: 1 },
          { name: 'b', count: 2 },
        ],
      },
      {
        limits: [
          { name: 'b', count: 3 },
          { name: 'a', count: 1 },
        ],
      },
      [{ field: 'spec.limits[b].count', before: 2, after: 3 }],
    ],
    [
      'of a list without names: as a whole',
      { a: ['x'] },
      { a: ['x', 'y'] },
      [{ field: 'spec.a', before: ['x'], after: ['x', 'y'] }],
    ],
    [
      'of two items of one name: as a whole',
      { a: [{ name: 'x' }] },
      { a: [{ name: 'x' }, { name: 'x' }] },
      [
        { field: 'spec.a[x].name', before: 'x' },
        { field: 'spec.a', after: [{ name: 'x' }, { name: 'x' }] },
      ],
    ],
    [
      'of long texts: their digests',
      { a: long },
      { a: `${long}y` },
      [{ field: 'spec.a', before: digestOf(long), after: digestOf(`${long}y`) }],
    ],
    [
      'of users: as one value',
      { a: { $user: 'ann' } },
      { a: { $user: 'bob' } },
      [{ field: 'spec.a', before: { $user: 'ann' }, after: { $user: 'bob' } }],
    ],
    [
      'with odd names in quotes',
      {},
      { 'a.b': 1 },
      [
        { field: 'spec', before: {} },
        { field: 'spec["a.b"]', after: 1 },
      ],
    ],
    ['of something new', undefined, { a: 1 }, [{ field: 'spec.a', after: 1 }]],
    ['of something that is gone', { a: 1 }, undefined, [{ field: 'spec.a', before: 1 }]],
  ];
  for (const [name, before, after, expected] of cases) {
    test(name, () => assert.deepEqual(diffFields('spec', before, after), expected));
  }

  test('of a change that is too large: the digests of the whole', () => {
    const many = Object.fromEntries(Array.from({ length: 9_000 }, (_, index) => [`field${index}`, 'value']));
    assert.deepEqual(diffFields('spec', many, { ...many, ...{ field1: 'other' } }).length, 1);
    const [change, ...more] = diffFields('spec', undefined, many);
    assert.deepEqual([change?.field, change?.after, more.length], ['spec', digestOf(JSON.stringify(many)), 0]);
  });
});
