import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Fingerprint } from '../../../proxy/conversations/fingerprint.ts';
import type { Message } from '../../../proxy/conversations/messages.ts';

const say = (text: string, by: Message['by'] = 'caller'): Message => ({ by, isResult: false, text });
const of = (messages: readonly Message[], root = 1) => new Fingerprint(root).add(messages).value;
const message = fc
  .tuple(fc.string({ maxLength: 300, unit: 'grapheme' }), fc.boolean())
  .map(([text, isModel]) => say(text, isModel ? 'model' : 'caller'));

test('messages that are added one by one have the fingerprint of all of them', () => {
  fc.assert(
    fc.property(fc.array(message), (messages) => {
      const print = new Fingerprint(2 ** 51);
      for (const one of messages) print.add([one]);
      assert.equal(print.value, of(messages, 2 ** 51));
      assert.ok(Number.isSafeInteger(print.value) && print.value >= 0 && print.value < 2 ** 52);
    }),
  );
});

test('nearly equal histories have different fingerprints', () => {
  const long = 'x'.repeat(200);
  const histories = [
    [],
    [say('')],
    [say('', 'model')],
    [say(''), say('')],
    [say('ab')],
    [say('ba')],
    [say('a'), say('b')],
    [say('ab', 'model')],
    ...Array.from({ length: 64 }, (_, at) => [say(`${'x'.repeat(at)}y${'x'.repeat(63 - at)}`)]),
    [say(long)],
    [say(`y${long.slice(1)}`)],
    [say(`${long.slice(1)}y`)],
    [say(`${long}x`)],
    ...Array.from({ length: 3_000 }, (_, number) => [say(`Order ${number}: ${long}`)]),
    // Of one length, and different in one place of the middle.
    ...Array.from({ length: 3_000 }, (_, number) => [say(`${long}${String(number).padStart(6, '0')}${long}`)]),
    ...Array.from({ length: 200 }, (_, at) => [say(`${long.slice(0, at)}z${long.slice(at + 1)}!`)]),
  ];
  const fingerprints = [...histories.map((history) => of(history)), of([say('ab')], 2), of([say('ab')], 2 ** 40)];
  assert.equal(new Set(fingerprints).size, fingerprints.length);
});
