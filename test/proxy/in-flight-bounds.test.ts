import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { defaultMaxInFlightBytes, makeInFlight } from '../../proxy/in-flight.ts';

const mebibyte = 1024 * 1024;

const defaults: readonly (readonly [constrained: number, machine: number, bound: number])[] = [
  [256 * mebibyte, 8_192 * mebibyte, 64 * mebibyte],
  [64 * mebibyte, 8_192 * mebibyte, 32 * mebibyte],
  [0, 2_048 * mebibyte, 512 * mebibyte],
  [0, 64_000 * mebibyte, 1_024 * mebibyte],
  // A cgroup without a limit.
  [2 ** 63, 2_048 * mebibyte, 512 * mebibyte],
];
for (const [constrained, machine, bound] of defaults) {
  test(`bodies may take ${bound} bytes in a container of ${constrained} on a machine of ${machine}`, () => {
    assert.equal(defaultMaxInFlightBytes(constrained, machine), bound);
  });
}

test('requests leave a quarter for answers, and a body that never fits gets another error than one that does not fit now', () => {
  const inFlight = makeInFlight(1_000);
  const [one, other] = [inFlight.open(), inFlight.open()];
  one.add(500);
  assert.throws(() => other.add(300), { code: 'overloaded' });
  assert.throws(() => other.expect(800), { code: 'request_too_large' });
  other.addAnswer(500);
  assert.throws(() => one.addAnswer(1), { code: 'overloaded' });
  one.release();
  assert.equal(inFlight.heldBytes(), 500);
  other.release();
  other.release();
  // Too late to be held.
  other.addAnswer(100);
  assert.equal(inFlight.heldBytes(), 0);
});

/** How often garbage is collected where so many shares of a size are given back, by a bound of 6 MB. */
async function collectionsAfter(shares: number, bytes: number): Promise<number> {
  let collections = 0;
  const inFlight = makeInFlight(6_000_000, () => {
    collections += 1;
  });
  for (let count = 0; count < shares; count += 1) {
    const share = inFlight.open();
    share.add(bytes);
    share.release();
  }
  await new Promise<void>((resolve) => setImmediate(() => setImmediate(resolve)));
  return collections;
}

test('garbage is collected once much memory was given back', async () => {
  assert.equal(await collectionsAfter(3, 500_000), 1);
});

// At 5,000 calls a second a collection of 20 ms would come several times in each.
test('garbage of small bodies is left to the young generation, whatever their number', async () => {
  assert.equal(await collectionsAfter(10_000, 10_000), 0);
});

test('no more than the bound is ever held, and nothing at the end, whatever is taken and given back', () => {
  const step = fc.tuple(fc.nat(4), fc.constantFrom('add', 'addAnswer', 'release'), fc.nat(600));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const inFlight = makeInFlight(1_000);
      const shares = Array.from({ length: 5 }, () => inFlight.open());
      for (const [index, action, bytes] of steps) {
        try {
          if (action === 'release') shares[index]?.release();
          else shares[index]?.[action](bytes);
        } catch {
          // Refused.
        }
        assert.ok(inFlight.heldBytes() >= 0 && inFlight.heldBytes() <= 1_000);
      }
      for (const share of shares) share.release();
      assert.equal(inFlight.heldBytes(), 0);
    }),
  );
});
