import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { EnvelopeError, type EnvelopePlace, generateDataKeys, makeEnvelope } from '../../database/envelope.ts';

const dataKeys = generateDataKeys();
const envelope = makeEnvelope(dataKeys);
const place: fc.Arbitrary<EnvelopePlace> = fc.record({
  organizationId: fc.uuid(),
  column: fc.constantFrom('personas.content', 'api_keys.key', 'request_contents.input'),
  rowId: fc.oneof(fc.uuid(), fc.string({ minLength: 1 })),
});
const plaintext = fc.oneof(fc.string({ unit: 'grapheme' }), fc.uint8Array({ maxLength: 200 }));

function refuses(open: () => unknown, ...codes: EnvelopeError['code'][]): void {
  assert.throws(open, (error) => error instanceof EnvelopeError && (codes.length === 0 || codes.includes(error.code)));
}

test('a sealed value can be opened in its place', () => {
  fc.assert(
    fc.property(place, plaintext, (where, text) => {
      assert.deepEqual(envelope.open(where, envelope.seal(where, text)), Buffer.from(text));
    }),
  );
});

test('a sealed value reveals nothing, and never looks the same', () => {
  const where = { organizationId: 'o', column: 'personas.content', rowId: 'r' };
  const sealed = Array.from({ length: 1_000 }, () => envelope.seal(where, 'a secret').toString('latin1'));
  assert.equal(new Set(sealed).size, sealed.length);
  assert.ok(!sealed.some((text) => text.includes('secret')));
  const nonceStart = 2 + dataKeys.current.length;
  assert.equal(new Set(sealed.map((text) => text.slice(nonceStart, nonceStart + 12))).size, sealed.length);
});

test('any flipped bit is detected', () => {
  fc.assert(
    fc.property(place, plaintext, fc.nat(), (where, text, bit) => {
      const sealed = envelope.seal(where, text);
      const at = bit % (sealed.length * 8);
      sealed[at >> 3] = (sealed[at >> 3] ?? 0) ^ (1 << (at & 7));
      refuses(() => envelope.open(where, sealed));
    }),
    { numRuns: 1_000 },
  );
});

test('any cut and any addition is detected', () => {
  fc.assert(
    fc.property(
      place,
      plaintext,
      fc.nat(),
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      (where, text, length, more) => {
        const sealed = envelope.seal(where, text);
        refuses(() => envelope.open(where, sealed.subarray(0, length % sealed.length)));
        refuses(() => envelope.open(where, Buffer.concat([sealed, more])), 'not_authentic');
      },
    ),
  );
});

test('bytes that were never sealed are refused', () => {
  fc.assert(fc.property(place, fc.uint8Array(), (where, bytes) => refuses(() => envelope.open(where, bytes))));
});

test('a sealed value cannot be opened in another place', () => {
  fc.assert(
    fc.property(place, place, plaintext, (where, elsewhere, text) => {
      const sealed = envelope.seal(where, text);
      for (const field of ['organizationId', 'column', 'rowId'] as const) {
        if (where[field] === elsewhere[field]) continue;
        refuses(() => envelope.open({ ...where, [field]: elsewhere[field] }, sealed), 'not_authentic');
      }
    }),
  );
});

describe('keys', () => {
  const where = { organizationId: 'o', column: 'c', rowId: 'r' };

  test('of another organization open nothing', () => {
    const sealed = envelope.seal(where, 'x');
    refuses(() => makeEnvelope(generateDataKeys()).open(where, sealed), 'unknown_key');
    const sameName = {
      current: dataKeys.current,
      keys: { [dataKeys.current]: Buffer.alloc(32, 7).toString('base64') },
    };
    refuses(() => makeEnvelope(sameName).open(where, sealed), 'not_authentic');
  });

  test('are rotated without a pause: old values open, new ones need the new key', () => {
    const next = generateDataKeys();
    const rotated = makeEnvelope({ current: next.current, keys: { ...dataKeys.keys, ...next.keys } });
    assert.equal(rotated.open(where, envelope.seal(where, 'old')).toString(), 'old');
    const sealed = rotated.seal(where, 'new');
    assert.equal(rotated.open(where, sealed).toString(), 'new');
    refuses(() => envelope.open(where, sealed), 'unknown_key');
    assert.equal(makeEnvelope(next).open(where, sealed).toString(), 'new');
  });

  test('are generated anew each time', () => {
    const other = generateDataKeys();
    assert.notEqual(other.keys[other.current], dataKeys.keys[dataKeys.current]);
  });

  const key = Buffer.alloc(32).toString('base64');
  const broken: readonly (readonly [string, Parameters<typeof makeEnvelope>[0]])[] = [
    ['without the current one', { current: 'b', keys: { a: key } }],
    ['too short', { current: 'a', keys: { a: Buffer.alloc(16).toString('base64') } }],
    ['too long', { current: 'a', keys: { a: Buffer.alloc(33).toString('base64') } }],
    ['with an id too long', { current: 'a'.repeat(33), keys: { ['a'.repeat(33)]: key } }],
    ['with an id of other characters', { current: 'Ä', keys: { Ä: key } }],
    ['with an empty id', { current: '', keys: { '': key } }],
  ];
  for (const [what, set] of broken) {
    test(`${what} are refused`, () => refuses(() => makeEnvelope(set)));
  }
});

describe('a digest', () => {
  const digest = (text: string, { organizationId = 'o', purpose = 'p', keys = dataKeys } = {}) =>
    makeEnvelope(keys).digest(organizationId, purpose, text).toString('hex');

  test('is the same wherever the same key is', () => {
    fc.assert(fc.property(fc.string(), (text) => digest(text) === envelope.digest('o', 'p', text).toString('hex')));
  });

  test('differs for another text, purpose, organization or key', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (text, other) => {
        const others = [
          digest(text, { purpose: 'q' }),
          digest(text, { organizationId: 'other' }),
          digest(text, { keys: generateDataKeys() }),
          ...(other === text ? [] : [digest(other)]),
        ];
        assert.ok(!others.includes(digest(text)));
      }),
    );
  });
});
