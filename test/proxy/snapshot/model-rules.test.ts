import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bothRules, makeModelNames, makeModelRule } from '../../../proxy/snapshot/model-rules.ts';

const cases: readonly (readonly [string[] | undefined, string[] | undefined, string | undefined, boolean])[] = [
  [undefined, undefined, 'anything', true],
  [[], undefined, 'gpt-4o', false],
  [['gpt-4o'], undefined, 'gpt-4o', true],
  [['gpt-4o'], undefined, 'gpt-4o-mini', false],
  [['gpt-4o'], undefined, 'GPT-4O', false],
  [['gpt-4o*'], undefined, 'gpt-4o-mini', true],
  [['*'], undefined, '', true],
  [['*mini'], undefined, 'gpt-4o-mini', true],
  [['gpt-*-mini'], undefined, 'gpt-mini', false],
  [['gpt-*-mini'], undefined, 'gpt--mini', true],
  [['a*a'], undefined, 'a', false],
  [['gpt.4'], undefined, 'gpt-4', false],
  [['gpt-4o*'], ['*-preview'], 'gpt-4o-preview', false],
  [undefined, ['o3'], 'o3', false],
  [undefined, ['o3'], 'o3-mini', true],
  [undefined, [], 'o3', true],
  [undefined, undefined, undefined, true],
  [undefined, [], undefined, true],
  [['gpt-4o', '*'], undefined, undefined, true],
  [['gpt-*'], undefined, undefined, false],
  [undefined, ['o3'], undefined, false],
  [['*'], ['o3'], undefined, false],
];
for (const [allow, deny, model, expected] of cases) {
  test(`allow ${JSON.stringify(allow)} deny ${JSON.stringify(deny)}: ${model} is ${expected ? 'allowed' : 'refused'}`, () => {
    assert.equal(makeModelRule(allow, deny)(model), expected);
  });
}

/** What the rule means, put as regular expressions. */
function oracle(allow: readonly string[] | undefined, deny: readonly string[] | undefined): (model: string) => boolean {
  const matches = (patterns: readonly string[], model: string) =>
    patterns.some((pattern) => new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '[^]*')}$`).test(model));
  return (model) => (allow === undefined || matches(allow, model)) && !(deny !== undefined && matches(deny, model));
}

test('a rule matches what its patterns match as regular expressions', () => {
  const text = (unit: string[]) => fc.string({ unit: fc.constantFrom(...unit), maxLength: 7 });
  const patterns = fc.option(fc.array(text(['a', 'b', '-', '.', '*', '*']), { maxLength: 3 }), { nil: undefined });
  fc.assert(
    fc.property(patterns, patterns, text(['a', 'b', '-', '.']), (allow, deny, model) => {
      assert.equal(makeModelRule(allow, deny)(model), oracle(allow, deny)(model));
    }),
    { numRuns: 3_000 },
  );
});

test('a pattern of many wildcards is matched in linear time', () => {
  assert.equal(makeModelRule([`${'*a'.repeat(5_000)}b`], undefined)('a'.repeat(100_000)), false);
});

test('a provider’s names of models go both ways', () => {
  const names = makeModelNames([{ name: 'gpt-4o', as: 'large' }, { name: 'gpt-4o*', as: 'small' }, { name: 'o4' }]);
  assert.deepEqual(
    ['gpt-4o', 'gpt-4o-mini', 'o4'].map((model) => names?.toProvider(model)),
    ['large', 'small', 'o4'],
  );
  assert.deepEqual(
    ['large', 'small', 'o4', 'gpt-4o'].map((id) => names?.fromProvider(id)),
    [['gpt-4o', 'large'], ['small'], ['o4'], []],
  );
  assert.equal(makeModelNames([{ name: 'gpt-4o' }]), undefined);
  assert.equal(makeModelNames(undefined), undefined);
});

test('of two rules, both must allow a model', () => {
  const rule = bothRules(makeModelRule(['gpt-*'], undefined), makeModelRule(['*-mini'], undefined));
  assert.deepEqual(['gpt-4o', 'gpt-4o-mini', 'o4-mini', undefined].map(rule), [false, true, false, false]);
  assert.equal(bothRules(makeModelRule(undefined, undefined), makeModelRule(undefined, undefined))(undefined), true);
});
