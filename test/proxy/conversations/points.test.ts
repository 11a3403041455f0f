import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makePoints, type Point } from '../../../proxy/conversations/points.ts';
import { propertyRuns } from '../../property-runs.ts';

const digest = fc.integer({ min: 0, max: 2 ** 52 - 1 });
const entry = fc.record({ branch: fc.integer({ min: 0, max: 2 ** 32 - 1 }), first: digest });

test('points are found as they were set last', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(digest, entry), { maxLength: 3_000 }), (entries) => {
      const points = makePoints(10_000);
      const expected = new Map<number, Point>();
      for (const [at, point] of entries) {
        points.set(at, point);
        expected.set(at, point);
      }
      for (const [at, point] of expected) assert.deepEqual(points.find(at), { ...point });
    }),
    { numRuns: propertyRuns(30) },
  );
});

test('at least the newest half stays, and what is used stays with it', () => {
  const points = makePoints(1_000);
  const used = 2 ** 51 + 1;
  points.set(used, { branch: 7, first: 9 });
  for (let at = 0; at < 10_000; at += 1) {
    points.set(at * 1_000_003, { branch: at, first: 0 });
    assert.equal(points.find(used)?.branch, 7);
  }
  for (let at = 9_501; at < 10_000; at += 1) assert.equal(points.find(at * 1_000_003)?.branch, at);
  assert.equal(points.find(0), undefined);
});
