import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { gatherBytes } from '../../../../proxy/calls/receive/gathered-bytes.ts';

test('chunks are joined in order, whatever their number and the announced length', () => {
  const sizes = fc.array(fc.constantFrom(0, 1, 1_000, 65_536, 200_000), { maxLength: 20 });
  fc.assert(
    fc.property(sizes, fc.constantFrom(0, 1, 300_000, 10_000_000), (lengths, expected) => {
      const chunks = lengths.map((length, index) => Buffer.alloc(length, index + 1));
      const gathered = gatherBytes(expected);
      for (const chunk of chunks) gathered.push(chunk);
      assert.ok(gathered.whole().equals(Buffer.concat(chunks)));
    }),
  );
});

test('a large body takes no more than one buffer, and none when it is dropped', () => {
  const held = () => process.memoryUsage().arrayBuffers;
  const chunk = Buffer.alloc(1024 * 1024, 'x');
  const before = held();
  const gathered = gatherBytes(0);
  for (let count = 0; count < 40; count += 1) gathered.push(chunk);
  assert.ok(held() - before < 70 * 1024 * 1024, `${held() - before} bytes`);
  gathered.drop();
  assert.ok(held() - before < 5 * 1024 * 1024, `${held() - before} bytes`);
});
