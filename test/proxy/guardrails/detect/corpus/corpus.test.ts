import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import fc from 'fast-check';
import type { Detector } from '../../../../../proxy/guardrails/detect/detector.ts';
import { makeDetector } from '../../../../../proxy/guardrails/detect/make-detector.ts';
import { assertByteSplits, assertSplits, scanPieces } from '../splits.ts';
import { makeCorpus } from './corpus.ts';
import { judge } from './judge.ts';

/** What is asked of kinds that can be checked. The others have what they had when they were last looked at. */
const reach: Readonly<Record<string, { readonly precision: number; readonly recall: number }>> = {
  email: { precision: 0.95, recall: 0.95 },
  card: { precision: 0.95, recall: 0.95 },
  iban: { precision: 0.95, recall: 0.95 },
  ip: { precision: 0.95, recall: 0.95 },
  secret: { precision: 0.95, recall: 0.95 },
  phone: { precision: 0.9, recall: 0.9 },
  nationalId: { precision: 0.9, recall: 0.9 },
  dateOfBirth: { precision: 0.9, recall: 0.9 },
  address: { precision: 0.8, recall: 0.8 },
};

suite('the labelled corpus', () => {
  let detectors: readonly Detector[];
  before(async () => {
    detectors = [await makeDetector({ detector: 'pii' }), await makeDetector({ detector: 'secrets' })];
  });

  test('is the same each time, and says where its values are', () => {
    const corpus = makeCorpus(2);
    assert.deepEqual(makeCorpus(2), corpus);
    assert.notDeepEqual(makeCorpus(2, 13), corpus);
    for (const { text, spans } of corpus) {
      for (const { start, end } of spans) assert.ok(start < end && end <= text.length);
    }
  });

  for (const isHeldOut of [false, true]) {
    const part = isHeldOut ? 'the part that was written apart' : 'the part that the detectors were written with';
    test(`is found as well as it ought to be: ${part}`, (context) => {
      const items = makeCorpus(20).filter((item) => item.isHeldOut === isHeldOut);
      const scores = detectors.flatMap((detector) => [...judge(detector, items).scores]);
      assert.deepEqual(new Set(scores.map(([kind]) => kind)), new Set(Object.keys(reach)));
      for (const [kind, { expected, precision, recall }] of scores) {
        context.diagnostic(`${kind}: ${expected}, precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)}`);
        const asked = reach[kind];
        assert.ok(asked !== undefined && precision >= asked.precision && recall >= asked.recall, kind);
      }
    });
  }

  test('gives the same however a stream splits it, between any two bytes', () => {
    for (const { text } of makeCorpus(2, 7)) {
      for (const detector of detectors) {
        assertSplits(detector, text);
        assertByteSplits(detector, text);
      }
    }
  });

  test('gives the same in any number of pieces, also where texts run into each other', () => {
    const texts = makeCorpus(1, 9).map(({ text }) => text);
    const text = fc.array(fc.constantFrom(...texts), { minLength: 1, maxLength: 4 }).map((each) => each.join(''));
    fc.assert(
      fc.property(
        text,
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 50 }),
        (whole, lengths) => {
          for (const detector of detectors) {
            assert.deepEqual(scanPieces(detector, toPieces(whole, lengths)), detector.scan(whole));
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  /** Characters that begin, go on, or end what detectors look for. */
  const fragments = fc.constantFrom(
    ...[
      'a',
      'Z',
      '0',
      '4',
      '19',
      ' ',
      '.',
      '-',
      ':',
      '@',
      '/',
      '+',
      '(',
      '_',
      '\n',
      'ß',
      '密',
      '😀',
      '\ud83d',
      '\ude00',
    ],
    ...[
      '4111',
      'DE89',
      '10.0',
      '::',
      'sk-',
      'sk-proj-',
      'eyJ',
      '-----BEGIN ',
      'PRIVATE KEY-----',
      'postgres://',
      'u:p',
    ],
    ...[
      'born ',
      '12 ',
      'March ',
      '1980',
      'rue ',
      'Via ',
      'Street',
      'Musterstraße',
      'password=',
      '"',
      '8Q~',
      '+49 30',
      '==',
    ],
  );

  test('gives the same for texts of nothing but fragments, and holds back no more than it says', () => {
    fc.assert(
      fc.property(fc.array(fragments, { maxLength: 60 }), (pieces) => {
        for (const detector of detectors) {
          assert.deepEqual(scanPieces(detector, pieces), detector.scan(pieces.join('')));
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test('has a bound for what a stream holds back', () => {
    const [pii, secrets] = detectors;
    assert.ok((pii?.maxHeldBack ?? Infinity) <= 512, `${pii?.maxHeldBack} units`);
    assert.ok((secrets?.maxHeldBack ?? Infinity) <= 8_200, `${secrets?.maxHeldBack} units`);
  });
});

function toPieces(text: string, lengths: readonly number[]): string[] {
  const pieces: string[] = [];
  for (let index = 0, position = 0; position < text.length; index++) {
    const length = lengths[index % lengths.length] ?? 1;
    pieces.push(text.slice(position, position + length));
    position += length;
  }
  return pieces;
}
