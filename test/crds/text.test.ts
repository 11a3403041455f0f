import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decodeText, requireText } from '../../crds/text.ts';

const latin1 = (text: string) => Buffer.from(text, 'latin1');
const utf16 = (text: string) => Buffer.from(text, 'utf16le');
const utf16be = (text: string) => utf16(text).swap16();

const cases: readonly [what: string, bytes: Buffer, expected: object][] = [
  ['nothing', Buffer.alloc(0), { text: '' }],
  ['text', Buffer.from('Grüße\n'), { text: 'Grüße\n' }],
  ['a byte order mark', Buffer.from('\u{feff}kind: Persona'), { text: 'kind: Persona' }],
  ['one letter', Buffer.from('a'), { text: 'a' }],
  ['a replacement character of its own', Buffer.from('a\u{fffd}'), { text: 'a\u{fffd}' }],
  ['Latin-1 in the third line', latin1('a\nb\nGrüße\n'), { line: 3, reason: /not UTF-8, but perhaps Latin-1/ }],
  ['Latin-1 at the end', latin1('a\nü'), { line: 2, reason: /save it as UTF-8$/ }],
  ['half a character', Buffer.from('a: ü').subarray(0, 4), { line: 1, reason: /not UTF-8/ }],
  ['a surrogate', Buffer.from([0x61, 0xed, 0xa0, 0x80]), { line: 1, reason: /not UTF-8/ }],
  ['UTF-16, little end first, with a mark', utf16('\u{feff}kind: a'), { reason: /^is UTF-16; save it as UTF-8$/ }],
  ['UTF-16, big end first, with a mark', utf16be('\u{feff}kind: a'), { reason: /^is UTF-16; / }],
  ['UTF-16, little end first, without one', utf16('kind: a'), { reason: /^is UTF-16; / }],
  ['UTF-16, big end first, without one', utf16be('kind: a'), { reason: /^is UTF-16; / }],
  ['UTF-32', Buffer.from([0xff, 0xfe, 0, 0, 0x61, 0, 0, 0]), { reason: /^is UTF-32; / }],
];
describe('of bytes', () => {
  for (const [what, bytes, expected] of cases) {
    test(`that are ${what}`, () => {
      const decoded: object = decodeText(bytes);
      if ('text' in expected) return assert.deepEqual(decoded, expected);
      const { reason, ...place } = decoded as { reason: string };
      const { reason: pattern, ...wantedPlace } = expected as { reason: RegExp };
      assert.match(reason, pattern);
      assert.deepEqual(place, wantedPlace);
    });
  }

  test('every text comes back as it was written', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const bytes = Buffer.from(text);
        const decoded = decodeText(bytes);
        // One zero among the first two bytes is taken for UTF-16: no file or key begins so.
        if ('reason' in decoded) return assert.ok(bytes.subarray(0, 4).includes(0), text);
        assert.equal(decoded.text, text.replace(/^\u{feff}/u, ''));
      }),
    );
  });

  test('a value that has to be text is named, but not shown', () => {
    assert.throws(() => requireText(latin1('a\nsecrét'), 'url'), {
      name: 'RangeError',
      message: /^url \(line 2\) is not UTF-8(?!.*secr)/,
    });
  });
});
