import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeSecret, Redactor, withoutSecretInHeader } from '../../../proxy/providers/redact.ts';
import { chunked, cuts } from '../calls/chunks.ts';

const key = 'sk-sk-1';
const secret = makeSecret(key);
const text = fc
  .array(fc.constantFrom(key, 's', 'sk', 'sk-', 'sk-sk', '\n', 'é', 'x'), { maxLength: 30 })
  .map((parts) => parts.join(''));

test('the secret is replaced, and nothing else, wherever the chunks break', () => {
  fc.assert(
    fc.property(text, cuts, (stream, at) => {
      const redactor = new Redactor(secret);
      const pieces = chunked(Buffer.from(stream), at).map((chunk) => redactor.push(chunk));
      const passed = Buffer.concat([...pieces, redactor.end()]).toString();
      assert.equal(passed, stream.replaceAll(key, '[redacted]'));
    }),
  );
});

test('bytes without any part of the secret pass unchanged, at once', () => {
  const redactor = new Redactor(secret);
  for (const chunk of [Buffer.from('data: sk\n\n'), Buffer.from([0, 255])]) assert.equal(redactor.push(chunk), chunk);
  assert.equal(redactor.end().length, 0);
});

test('bytes around the secret stay unchanged, even if they are not text', () => {
  const bytes = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(key), Buffer.from([0x80])]);
  assert.deepEqual(
    new Redactor(secret).push(bytes),
    Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('[redacted]'), Buffer.from([0x80])]),
  );
});

test('a header may have several values', () => {
  assert.equal(withoutSecretInHeader(`Bearer ${key}`, secret), 'Bearer [redacted]');
  assert.deepEqual(withoutSecretInHeader(['a', key], secret), ['a', '[redacted]']);
});

test('without a secret there is nothing to replace', () => {
  const chunk = Buffer.from('x');
  assert.equal(new Redactor(makeSecret('')).push(chunk), chunk);
  assert.equal(withoutSecretInHeader('x', makeSecret('')), 'x');
});
