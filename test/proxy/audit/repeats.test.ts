import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { makeRepeats, repeatBounds } from '../../../proxy/audit/repeats.ts';

/** Repeats by a clock of the test's own, which looks for what is due each second. */
function open() {
  let nowMs = 1_000_000;
  const written: { readonly item: string; readonly count: number; readonly atMs: number }[] = [];
  const repeats = makeRepeats<string>({
    nowMs: () => nowMs,
    write: (item, count) => void written.push({ item, count, atMs: nowMs - 1_000_000 }),
    toRest: () => ({ key: 'rest', item: 'rest' }),
  });
  const pass = (seconds: number, each?: () => void) => {
    for (let second = 0; second < seconds; second += 1) {
      each?.();
      nowMs += 1_000;
      repeats.due();
    }
  };
  return { repeats, written, pass };
}

describe('refusals that repeat', () => {
  test('are written at once, and then as one after growing intervals', () => {
    const { repeats, written, pass } = open();
    pass(130, () => {
      for (let call = 0; call < 10; call += 1) repeats.note('a', 'a');
    });
    assert.deepEqual(
      written.map(({ atMs, count }) => [atMs / 1_000, count]),
      [
        [0, 1],
        [1, 9],
        [3, 20],
        [7, 40],
        [15, 80],
        [31, 160],
        [63, 320],
        [123, 600],
      ],
    );
  });

  test('begin anew after an interval without any', () => {
    const { repeats, written, pass } = open();
    repeats.note('a', 'a');
    pass(2);
    repeats.note('a', 'a');
    assert.deepEqual(
      written.map(({ count }) => count),
      [1, 1],
    );
    assert.equal(repeats.due(), true);
    pass(1);
    assert.equal(repeats.due(), false);
  });

  test('of too many callers are counted together, and none is lost', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(400), fc.nat(30)), { maxLength: 300 }), (steps) => {
        const { repeats, written, pass } = open();
        let noted = 0;
        for (const [keys, seconds] of steps) {
          for (let key = 0; key < keys; key += 1) repeats.note(String(key), String(key));
          noted += keys;
          pass(Math.min(seconds, 3));
        }
        repeats.flush();
        assert.equal(
          written.reduce((sum, { count }) => sum + count, 0),
          noted,
        );
      }),
      { numRuns: 30 },
    );
  });

  test('fill the database no faster than the bounds allow, whatever callers name themselves', () => {
    const { repeats, written, pass } = open();
    let user = 0;
    pass(3_600, () => {
      for (let call = 0; call < 50; call += 1) {
        user += 1;
        repeats.note(`user ${user}`, 'one');
      }
    });
    const firsts = written.filter(({ item }) => item === 'one').length;
    assert.ok(firsts <= repeatBounds.burst + 3_600 * repeatBounds.perSecond, `${firsts} in an hour`);
    const rest = written.filter(({ item }) => item === 'rest').length;
    assert.ok(rest <= 61, `${rest} of the rest in an hour`);
  });
});
