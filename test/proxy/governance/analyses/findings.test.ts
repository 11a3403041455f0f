import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readFindings } from '../../../../proxy/governance/analyses/findings.ts';
import { judge } from '../../../../proxy/governance/analyses/judge.ts';
import { makeConfig } from '../configs/config.ts';

const names = ['support', 'billing', 'other'];
const metadata = { sentiment: 'calm', urgency: 'low', topics: [] };

function answer(confidences: readonly (number | undefined)[], changes: object = {}) {
  const categories = confidences.flatMap((confidence, index) =>
    confidence === undefined ? [] : [{ name: names[index], reasoning: `r${index}`, confidence }],
  );
  return JSON.stringify({ reasoning: 'Because.', categories, metadata, ...changes });
}

function verdictOf(text: string, config = makeConfig()) {
  const findings = readFindings(text, config);
  return findings && judge(findings, config);
}

describe('confidences', () => {
  const table: readonly (readonly [
    string,
    readonly (number | undefined)[],
    boolean,
    Readonly<Record<string, number>>,
  ])[] = [
    ['stay as they are', [0.05, 0.92, 0.02], false, { billing: 0.92, support: 0.05, other: 0.02 }],
    ['that add up to more than 1 are shares of it', [0.5, 1, 0.5], false, { billing: 0.5, support: 0.25, other: 0.25 }],
    ['of several labels are judged each by itself', [0.5, 1, 0.5], true, { billing: 1, support: 0.5, other: 0.5 }],
    ['in percent are brought down', [90, 10, 0], false, { support: 0.9, billing: 0.1, other: 0 }],
    ['in percent, several labels', [90, 80, 1], true, { support: 0.9, billing: 0.8, other: 0.01 }],
    ['a little above 1 are 1', [1.2, 0.4, 0], true, { support: 1, billing: 0.4, other: 0 }],
    ['of a category that is not named are 0', [undefined, 0.7], false, { billing: 0.7, support: 0, other: 0 }],
    [
      'of equal categories keep the order of the config',
      [0.2, 0.2, 0.2],
      false,
      { support: 0.2, billing: 0.2, other: 0.2 },
    ],
  ];
  for (const [what, confidences, multi_label, expected] of table) {
    test(what, () => {
      const found = verdictOf(answer(confidences), makeConfig({ multi_label }))?.categories ?? [];
      assert.deepEqual(
        found.map(({ name, confidence }) => [name, confidence]),
        Object.entries(expected),
      );
    });
  }

  test('whatever a model says, every category is there once, best first, from 0 to 1, and one label’s are at most 1', () => {
    const confidence = fc.oneof(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 100, noNaN: true }),
    );
    const said = fc.array(fc.tuple(fc.constantFrom(...names), confidence), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(
        said,
        fc.boolean(),
        fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
        (pairs, multi_label, threshold) => {
          const categories = pairs.map(([name, value]) => ({ name, confidence: value }));
          const config = makeConfig({ multi_label, confidence_threshold: threshold });
          const verdict = verdictOf(JSON.stringify({ categories, metadata }), config);
          assert.ok(verdict);
          const found = verdict.categories.map((category) => category.confidence);
          assert.deepEqual(verdict.categories.map(({ name }) => name).sort(), [...names].sort());
          assert.deepEqual(
            found,
            [...found].sort((a, b) => b - a),
          );
          assert.ok(found.every((value) => value >= 0 && value <= 1));
          if (!multi_label) assert.ok(found.reduce((sum, value) => sum + value, 0) < 1.001);
          const bound = threshold ?? (multi_label ? 0.5 : 0);
          const reaching = verdict.categories.filter(
            (category) => category.confidence > 0 && category.confidence >= bound,
          );
          const primary = multi_label ? reaching.map(({ name }) => name) : reaching[0]?.name;
          assert.deepEqual(verdict.primary_category, reaching.length === 0 ? null : primary);
          assert.equal(verdict.metadata.below_threshold === true, reaching.length === 0);
        },
      ),
    );
  });
});

describe('reasons', () => {
  test('are shown where they are asked for and where there are any', () => {
    const verdict = verdictOf(
      JSON.stringify({
        reasoning: 'Because.',
        categories: [
          { name: 'billing', confidence: 1, reasoning: 'Money.' },
          { name: 'other', confidence: 0, reasoning: '' },
        ],
        metadata,
      }),
    );
    assert.equal(verdict?.reasoning, 'Because.');
    assert.deepEqual(verdict?.categories, [
      { name: 'billing', confidence: 1, reasoning: 'Money.' },
      { name: 'support', confidence: 0 },
      { name: 'other', confidence: 0 },
    ]);
  });

  test('are left out where they are not', () => {
    const verdict = verdictOf(answer([1]), makeConfig({ include_reasoning: false }));
    assert.equal(verdict?.reasoning, null);
    assert.ok(verdict.categories.every((category) => !('reasoning' in category)));
  });
});

describe('an answer that is not what was asked for', () => {
  const table: Readonly<Record<string, string>> = {
    nothing: '',
    prose: 'It is billing.',
    'a list': '[]',
    'no categories': answer([], { categories: [] }),
    'another category': answer([], { categories: [{ name: 'spam', confidence: 1 }] }),
    'every object’s field as a category': answer([], { categories: [{ name: '__proto__', confidence: 1 }] }),
    'a confidence in words': answer([], { categories: [{ name: 'other', confidence: 'high' }] }),
    'a confidence below 0': answer([-0.1]),
    'a confidence above 100': answer([101]),
    'an endless confidence': answer([1]).replace('"confidence":1', '"confidence":1e999'),
    'no metadata': answer([1], { metadata: null }),
    'an unknown urgency': answer([1], { metadata: { ...metadata, urgency: 'soon' } }),
    'topics that are no text': answer([1], { metadata: { ...metadata, topics: [1] } }),
  };
  for (const [what, text] of Object.entries(table)) {
    test(`is none: ${what}`, () => assert.equal(readFindings(text, makeConfig()), undefined));
  }

  test('is none, and never an exception, whatever it is', () => {
    fc.assert(fc.property(fc.json(), (text) => readFindings(text, makeConfig()) === undefined));
  });
});
