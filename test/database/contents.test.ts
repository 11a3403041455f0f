import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { beginContents, joinSealed, openContents, sealContents, sealPart } from '../../database/contents.ts';
import { generateDataKeys, makeEnvelope } from '../../database/envelope.ts';

const place = { organizationId: 'b9c1f6a0-58a1-4c55-9a6f-0d3f0f4a7c11', requestId: 'req_1' };
const envelope = makeEnvelope(generateDataKeys());
const content = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.uint8Array().map((bytes) => Buffer.from(bytes)),
);

test('input and output that were sealed together or separately can be opened', () => {
  fc.assert(
    fc.property(content, fc.option(content, { nil: undefined }), (input, output) => {
      const expected = { input: Buffer.from(input), output: output === undefined ? undefined : Buffer.from(output) };
      const together = sealContents(envelope, place, input, output);
      assert.deepEqual(openContents(envelope, place, together), expected);
      const inTurn = beginContents(envelope, place, input).end(output);
      assert.deepEqual(openContents(envelope, place, inTurn), expected);
      const apart = joinSealed(
        sealPart(envelope, place, 'input', input),
        output === undefined ? undefined : sealPart(envelope, place, 'output', output),
      );
      assert.deepEqual(openContents(envelope, place, apart), expected);
    }),
  );
});

test('contents can be opened only for their call, and only whole', () => {
  const together = sealContents(envelope, place, 'in', 'out');
  const apart = joinSealed(sealPart(envelope, place, 'input', 'in'), sealPart(envelope, place, 'output', 'out'));
  const swapped = joinSealed(sealPart(envelope, place, 'output', 'out'), sealPart(envelope, place, 'input', 'in'));
  const open = (sealed: Buffer, requestId = place.requestId) => openContents(envelope, { ...place, requestId }, sealed);
  for (const sealed of [together, apart]) {
    assert.throws(() => open(sealed, 'req_2'), { code: 'not_authentic' });
    assert.throws(() => open(sealed.subarray(0, -1)), { name: 'EnvelopeError' });
    const changed = Buffer.from(sealed);
    changed[sealed.length - 20] = (changed[sealed.length - 20] ?? 0) ^ 1;
    assert.throws(() => open(changed), { code: 'not_authentic' });
  }
  assert.throws(() => open(swapped), { code: 'not_authentic' });
  assert.throws(() => open(Buffer.alloc(3)), { code: 'malformed' });
});

test('each sealing uses another nonce', () => {
  assert.notDeepEqual(sealContents(envelope, place, 'in', 'out'), sealContents(envelope, place, 'in', 'out'));
});
