import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makeDetector } from '../../../../proxy/guardrails/detect/make-detector.ts';
import { makePlaceholders } from '../../../../proxy/guardrails/detect/placeholders.ts';
import { openRedactionStream, redact } from '../../../../proxy/guardrails/detect/redact.ts';
import { escapeJsonString, openRestorationStream, restore } from '../../../../proxy/guardrails/detect/restore.ts';

const text = 'From ada@example.com to bob@example.com, copy to ada@example.com.';

test('a value has the same placeholder wherever it occurs', async () => {
  const detector = await makeDetector({ detector: 'pii', kinds: ['email'] });
  const placeholders = makePlaceholders();
  const { text: redacted } = redact(detector, text, placeholders.replace);
  assert.equal(redacted, 'From [EMAIL_1] to [EMAIL_2], copy to [EMAIL_1].');
  assert.equal(restore(placeholders, redacted), text);
});

test('a key makes placeholders that do not depend on the order, and that differ between conversations', () => {
  const [one, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  const first = makePlaceholders({ key: one });
  const second = makePlaceholders({ key: one });
  first.replace('email', 'bob@example.com');
  assert.match(first.replace('email', 'ada@example.com'), /^\[EMAIL_[0-9A-Z]{7}\]$/);
  assert.equal(first.replace('email', 'ada@example.com'), second.replace('email', 'ada@example.com'));
  const elsewhere = makePlaceholders({ key: other });
  assert.notEqual(elsewhere.replace('email', 'ada@example.com'), second.replace('email', 'ada@example.com'));
});

test('what is known from earlier in the conversation is used and not overwritten', () => {
  const earlier = makePlaceholders();
  earlier.replace('dateOfBirth', '1 May 1980');
  const later = makePlaceholders({ known: earlier.entries() });
  assert.equal(later.replace('dateOfBirth', '2 May 1980'), '[DATE_OF_BIRTH_2]');
  assert.equal(later.replace('dateOfBirth', '1 May 1980'), '[DATE_OF_BIRTH_1]');
  assert.equal(restore(later, 'born on [DATE_OF_BIRTH_1]'), 'born on 1 May 1980');
});

test('placeholders are restored with the backslashes of Markdown, and escaped within JSON', () => {
  const placeholders = makePlaceholders();
  placeholders.replace('name', 'Ada "the" Countess');
  assert.equal(restore(placeholders, '\\[NAME\\_1\\] [NAME_2] [x]'), 'Ada "the" Countess [NAME_2] [x]');
  const json = restore(placeholders, '{"to":"[NAME_1]"}', { escape: escapeJsonString });
  assert.deepEqual(JSON.parse(json), { to: 'Ada "the" Countess' });
});

const pieces = fc.array(fc.constantFrom('[', '[EM', 'AIL', '_1', '_2', ']', '\\', ' ', 'a', '[EMAIL_1]', '[[', '\\]'), {
  maxLength: 30,
});

test('a restored stream gives what restoring the whole gives, and holds back no more than a placeholder', () => {
  const placeholders = makePlaceholders();
  placeholders.replace('email', 'ada@example.com');
  fc.assert(
    fc.property(pieces, (texts) => {
      const stream = openRestorationStream(placeholders);
      const released = texts.map((piece) => stream.push(piece));
      assert.equal(released.join('') + stream.end(), restore(placeholders, texts.join('')));
    }),
  );
});

test('a redacted stream gives what redacting the whole gives', async () => {
  const detector = await makeDetector({ detector: 'pii', kinds: ['email'] });
  const whole = redact(detector, text, makePlaceholders().replace);
  for (let position = 0; position <= text.length; position++) {
    const stream = openRedactionStream(detector, makePlaceholders().replace);
    const parts = [stream.push(text.slice(0, position)), stream.push(text.slice(position)), stream.end()];
    assert.equal(parts.map((part) => part.text).join(''), whole.text);
    assert.deepEqual(
      parts.flatMap(({ matches }) => matches),
      whole.matches,
    );
  }
});
