import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { inOrder } from '../../../../proxy/calls/route/order.ts';
import type { RoutedKey } from '../../../../proxy/snapshot/snapshot.ts';
import { makeKey, provider } from '../../snapshot.ts';

function key(id: string, name: string, changes: Partial<RoutedKey & { priority: number; weight: number }> = {}) {
  const { priority = 0, weight = 0, reach = 'namespace' } = changes;
  return makeKey(id, { reach, provider: { ...provider, name, priority, weight } });
}

const ids = (keys: readonly RoutedKey[]) => keys.map(({ id }) => id);

describe('the order of keys', () => {
  const cases: readonly (readonly [string, readonly RoutedKey[], readonly string[]])[] = [
    ['is as given without weights', [key('a', 'one'), key('b', 'two')], ['a', 'b']],
    [
      'puts all keys of a provider together, behind its first',
      [key('a', 'one', { reach: 'user' }), key('b', 'two'), key('c', 'one')],
      ['a', 'c', 'b'],
    ],
    [
      'puts providers without a weight behind those with one',
      [key('a', 'one'), key('b', 'two', { weight: 1 })],
      ['b', 'a'],
    ],
    [
      'keeps priorities apart',
      [key('a', 'one', { priority: 0 }), key('b', 'two', { priority: 1, weight: 100 })],
      ['a', 'b'],
    ],
    [
      'keeps a user’s own keys before those of the namespace, whatever their weights',
      [key('a', 'one', { reach: 'user' }), key('b', 'two', { weight: 100 })],
      ['a', 'b'],
    ],
  ];
  for (const [what, keys, expected] of cases) {
    test(what, () => assert.deepEqual(ids(inOrder(keys, () => 0.5)), expected));
  }

  test('draws the first in proportion to the weights', () => {
    const keys = [key('a', 'one', { weight: 3 }), key('b', 'two', { weight: 1 })];
    const firsts = Array.from({ length: 100 }, (_, index) => inOrder(keys, () => (index + 0.5) / 100)[0]?.id);
    assert.equal(firsts.filter((id) => id === 'a').length, 75);
  });

  test('loses and repeats no key, and lets no reach overtake another', () => {
    const reaches = ['user', 'namespace', 'shared'] as const;
    const some = fc.array(
      fc.record({
        name: fc.constantFrom('one', 'two', 'three'),
        weight: fc.nat(3),
        priority: fc.nat(2),
        reach: fc.constantFrom(...reaches),
      }),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(
        some,
        fc.noShrink(fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true }))),
        (made, draws) => {
          const keys = made
            .map((one, index) => key(String(index), one.name, one))
            .sort((one, other) => reaches.indexOf(one.reach) - reaches.indexOf(other.reach));
          const ordered = inOrder(keys, () => draws.next().value ?? 0);
          assert.deepEqual(ids(ordered).sort(), ids(keys).sort());
          assert.equal(ordered[0]?.reach, keys[0]?.reach);
        },
      ),
    );
  });
});
