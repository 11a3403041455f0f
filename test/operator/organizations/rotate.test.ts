import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AgedKey, decideRotation, type RotationPolicy } from '../../../operator/organizations/rotate.ts';

const hourMs = 3_600_000;
const policy: RotationPolicy = {
  everyMs: 24 * hourMs,
  beforeMs: undefined,
  propagationMs: hourMs,
  retainMs: 6 * hourMs,
};
const at = (hours: number) => hours * hourMs;
const key = (id: string, hours: number): AgedKey => ({ id, issuedAtS: hours * 3_600 });

test('the first key is issued and used at once', () => {
  assert.equal(decideRotation([], policy, 0).issue, true);
  assert.equal(decideRotation([], policy, 0).use, undefined);
  assert.deepEqual(decideRotation([key('a', 0)], policy, at(0)), {
    issue: false,
    use: 'a',
    drop: [],
    distrust: [],
    nextMs: 24 * hourMs,
  });
});

test('a new key is distributed before it is used, and the old one is kept afterwards', () => {
  const cases: [number, readonly AgedKey[], Partial<ReturnType<typeof decideRotation>>][] = [
    [23, [key('a', 0)], { issue: false, use: 'a', nextMs: hourMs }],
    [24, [key('a', 0)], { issue: true, use: 'a' }],
    [24, [key('a', 0), key('b', 24)], { issue: false, use: 'a', drop: [], nextMs: hourMs }],
    [25, [key('a', 0), key('b', 24)], { issue: false, use: 'b', drop: [] }],
    // Nobody was there to switch over until now.
    [47, [key('a', 0), key('b', 24)], { use: 'b', drop: [] }],
    [31, [key('a', 0), { ...key('b', 24), usedFromS: 25 * 3_600 }], { use: 'b', drop: [], nextMs: 1 }],
    [31.01, [key('a', 0), { ...key('b', 24), usedFromS: 25 * 3_600 }], { use: 'b', drop: ['a'] }],
  ];
  for (const [hours, keys, expected] of cases) {
    const decision = decideRotation(keys, policy, at(hours));
    assert.deepEqual({ ...decision, ...expected }, decision, `at ${hours} h`);
  }
});

test('a stated time makes older keys due once it has come', () => {
  const named = { ...policy, everyMs: undefined, beforeMs: at(10) };
  assert.equal(decideRotation([key('a', 0)], named, at(9)).issue, false);
  assert.equal(decideRotation([key('a', 0)], named, at(10)).issue, true);
  assert.equal(decideRotation([key('a', 0), key('b', 10)], named, at(11)).issue, false);
  const inTheSameSecond = { ...named, beforeMs: at(10) + 999 };
  assert.equal(decideRotation([key('a', 0), key('b', 10)], inTheSameSecond, at(11)).issue, false);
});

test('compromised keys are no longer used at once, including those that are only distributed', () => {
  const emergency = { ...policy, everyMs: undefined, distrustBeforeMs: at(10) };
  const cases: [number, readonly AgedKey[], Partial<ReturnType<typeof decideRotation>>][] = [
    [9, [key('a', 0)], { issue: false, use: 'a', drop: [], nextMs: hourMs }],
    [10, [key('a', 0), key('b', 9)], { issue: true, use: undefined, drop: ['a', 'b'], distrust: ['a', 'b'] }],
    [10, [key('c', 10)], { issue: false, use: 'c', drop: [], distrust: [], nextMs: undefined }],
    // A new one that nobody could wait for is used although it has just been handed out.
    [10, [key('a', 0), key('c', 10)], { issue: false, use: 'c', drop: ['a'], distrust: ['a'] }],
  ];
  for (const [hours, keys, expected] of cases) {
    const decision = decideRotation(keys, emergency, at(hours));
    assert.deepEqual({ ...decision, ...expected }, decision, `at ${hours} h`);
  }
});

test('a key whose values never expire is never dropped', () => {
  const decision = decideRotation([key('a', 0), key('b', 24)], { ...policy, retainMs: undefined }, at(1_000));
  assert.deepEqual(decision.drop, []);
});

test('in a year of rotations, the key in use was always distributed long enough before, and none is dropped too early', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 200 }),
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 50, maxLength: 200 }),
      (everyHours, retainHours, steps) => {
        const own: RotationPolicy = { ...policy, everyMs: everyHours * hourMs, retainMs: retainHours * hourMs };
        let keys: AgedKey[] = [];
        let hours = 0;
        const replacedAt = new Map<string, number>();
        let last: string | undefined;
        for (const step of steps) {
          const decision = decideRotation(keys, own, at(hours));
          if (decision.issue) keys = [...keys, key(`k${hours}`, hours)];
          const use = decision.use ?? keys[0]?.id ?? '';
          const used = keys.find(({ id }) => id === use);
          assert.ok(used, 'a key that is known');
          if (keys.length > 1) assert.ok(at(hours) - used.issuedAtS * 1_000 >= own.propagationMs);
          for (const id of decision.drop) {
            assert.ok(hours - (replacedAt.get(id) ?? Number.POSITIVE_INFINITY) > retainHours, `${id} at ${hours} h`);
          }
          if (last !== undefined && last !== use) replacedAt.set(last, hours);
          last = use;
          keys = keys
            .filter(({ id }) => !decision.drop.includes(id))
            .map((known) => (known.id === use ? { usedFromS: hours * 3_600, ...known } : known));
          hours += step;
        }
      },
    ),
  );
});
