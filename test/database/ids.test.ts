import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeRequestId, requestStartedAtMs, resourceIdOf, userIdOf } from '../../database/ids.ts';

const uuid5 = /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('derived ids are version 5 UUIDs, the same every time and different otherwise', () => {
  const name = fc.string({ unit: 'grapheme', minLength: 1 });
  fc.assert(
    fc.property(fc.uuid(), fc.uuid(), name, name, (organization, other, a, b) => {
      const id = userIdOf(organization, a);
      assert.match(id, uuid5);
      assert.equal(userIdOf(organization.toUpperCase(), a), id);
      assert.equal(userIdOf(organization, b) === id, a === b);
      assert.equal(userIdOf(other, a) === id, organization === other);
      assert.notEqual(resourceIdOf(organization, 'Persona', a), id);
      assert.notEqual(resourceIdOf(organization, 'Persona', a), resourceIdOf(organization, 'ApiKeyBinding', a));
    }),
  );
});

test('derived ids equal those of any other implementation', () => {
  // uuid.uuid5(uuid.NAMESPACE_DNS, 'user/ada') of Python's standard library.
  assert.equal(userIdOf('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'ada'), '50a6ff0b-85da-5cc9-a6f1-cace212f5ce6');
});

test('a request id contains its time, and sorts by it', () => {
  const times = fc.integer({ min: 0, max: 2 ** 48 - 1 });
  fc.assert(
    fc.property(times, times, (a, b) => {
      const [first, second] = [makeRequestId(a), makeRequestId(b)];
      assert.match(first, /^req_[0-9a-f]{32}$/);
      assert.equal(requestStartedAtMs(first), a);
      if (a !== b) assert.equal(first < second, a < b);
      else assert.notEqual(first, second);
    }),
  );
});

for (const text of [
  '',
  'req_',
  'resp_0123456789abcdef0123456789abcdef',
  `req_${'0'.repeat(31)}`,
  `req_${'0'.repeat(33)}`,
  `req_${'G'.repeat(32)}`,
  `req_${'A'.repeat(32)}`,
  ` req_${'0'.repeat(32)}`,
]) {
  test(`${JSON.stringify(text)} is not a request id`, () => assert.equal(requestStartedAtMs(text), undefined));
}
