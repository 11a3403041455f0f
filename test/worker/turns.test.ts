import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeTurns, whoWaits } from '../../worker/turns.ts';

const cases: readonly (readonly [what: string, running: Record<string, number>, waiting: string[], waits: string[]])[] =
  [
    ['an organization alone', { a: 5 }, ['a'], []],
    ['an organization alone leaves places for a newcomer', { a: 12 }, ['a'], ['a']],
    ['who has none goes first', { a: 5 }, ['a', 'b'], ['a']],
    ['equal shares', { a: 5, b: 5 }, ['a', 'b'], []],
    ['who has the fewest goes first', { a: 5, b: 4 }, ['a', 'b'], ['a']],
    ['nobody waits for one without jobs that are due', { a: 5, b: 1 }, ['a'], []],
  ];
for (const [what, running, waiting, waits] of cases) {
  test(`turns: ${what}`, () => {
    assert.deepEqual([...whoWaits(new Map(Object.entries(running)), new Set(waiting), 16)].sort(), waits);
  });
}

test('no organization starves, however many jobs others have, and however long theirs take', () => {
  const organizations = ['a', 'b', 'c', 'd'];
  fc.assert(
    fc.property(fc.array(fc.record({ who: fc.nat(3), ends: fc.boolean() }), { maxLength: 300 }), (steps) => {
      const turns = makeTurns(8);
      const running: string[] = [];
      turns.look(new Set(organizations));
      for (const { who, ends } of steps) {
        const organization = organizations[who] ?? 'a';
        if (ends && running.length > 0) turns.end(running.splice(who % running.length, 1)[0] ?? '');
        const left = new Set(turns.flags());
        if (running.length < 8 && !left.has(`organization:${organization}`)) {
          turns.begin(organization);
          running.push(organization);
        }
        // Somebody may always begin, and who may not has no fewer than who may.
        assert.ok(organizations.some((one) => !turns.flags()?.includes(`organization:${one}`)));
        const counts = organizations.map((one) => running.filter((other) => other === one).length);
        assert.ok(Math.max(...counts) <= Math.min(6, Math.min(...counts) + running.length));
      }
    }),
  );
});
