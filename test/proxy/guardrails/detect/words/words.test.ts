import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { DetectorConfigError } from '../../../../../proxy/guardrails/detect/config-error.ts';
import { makeDetector } from '../../../../../proxy/guardrails/detect/make-detector.ts';
import { assertByteSplits, assertSplits, found, scanPieces } from '../splits.ts';

const words = ['Straße', 'secret project', '密码', 'été', 'C++', 'Ὀδυσσεύς', 'пароль', 'secret'];

const texts: readonly (readonly [text: string, ...found: string[]])[] = [
  ['a STRASSE, a Strasse, a straße; no strassenbahn', 'STRASSE', 'Strasse', 'straße'],
  ['the Secret \n Project is secret', 'Secret \n Project', 'secret'],
  ['secretproject, secretly, my_secret'],
  ['我的密码是', '密码'],
  ['E\u0301TE\u0301 and été', 'E\u0301TE\u0301', 'été'],
  ['C++ is not C+', 'C++'],
  ['ὈΔΥΣΣΕΎΣ', 'ὈΔΥΣΣΕΎΣ'],
  ['ПАРОЛЬ', 'ПАРОЛЬ'],
  ['se\u200bc\u00adret, \u200bsecret', 'se\u200bc\u00adret', 'secret'],
  ['ｓｅｃｒｅｔ and 𝐬𝐞𝐜𝐫𝐞𝐭', 'ｓｅｃｒｅｔ', '𝐬𝐞𝐜𝐫𝐞𝐭'],
];

suite('words', () => {
  for (const [text, ...expected] of texts) {
    test(`finds ${expected.join(' | ') || 'nothing'} in ${text}`, async () => {
      const detector = await makeDetector({ detector: 'words', words });
      assert.deepEqual(
        found(detector, text),
        expected.map((each) => ['word', each]),
      );
      assertSplits(detector, text);
      assertByteSplits(detector, text);
    });
  }

  test('gives the same for any pieces of any text', async () => {
    const detector = await makeDetector({ detector: 'words', words });
    const piece = fc.constantFrom(
      'secret',
      ' ',
      'pro',
      'ject',
      '\u200b',
      'Stra',
      'ß',
      'SS',
      'e',
      '密',
      '码',
      '𝐬',
      '\ud835',
      'C+',
      '+',
      '\u0301',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        assert.deepEqual(scanPieces(detector, pieces), detector.scan(pieces.join('')));
      }),
    );
  });

  test('refuses lists that can match nothing', async () => {
    const refuses = (list: readonly string[], field: string) =>
      assert.rejects(
        makeDetector({ detector: 'words', words: list }),
        (error) => error instanceof DetectorConfigError && error.field === field,
      );
    await refuses([], 'words');
    await refuses(['ok', ' \u200b'], 'words[1]');
    await refuses(['x'.repeat(201)], 'words[0]');
  });
});
