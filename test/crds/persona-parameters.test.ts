import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { findInvalidParameter } from '../../crds/persona-parameters.ts';
import { fixtures } from './fixtures.ts';

const expectations = [
  [{ temperature: 'hot' }, 'temperature must be a number from 0 to 2, not "hot"'],
  [{ top_k: 1, seed: 1.5 }, 'seed must be an integer, not 1.5'],
  [{ max_output_tokens: 0 }, 'max_output_tokens must be an integer of at least 1, not 0'],
  [{ n: 129 }, 'n must be an integer from 1 to 128, not 129'],
  [{ store: 'no' }, 'store must be true or false, not "no"'],
  [{ truncation: 'perhaps' }, 'truncation must be one of "auto", "disabled", not "perhaps"'],
  [{ reasoning: { effort: '' } }, 'reasoning.effort must be a string that is not empty, not ""'],
  [{ reasoning: 'high' }, 'reasoning must be an object, not "high"'],
  [{ tools: {} }, 'tools must be a list, not {}'],
  [{ tools: [{ type: 'web_search' }, 'x'] }, 'tools[1] must be an object, not "x"'],
  [{ logit_bias: { 7: 101 } }, 'logit_bias.7 must be a number from -100 to 100, not 101'],
  [{ stop: 7 }, 'stop must be a string or a list of strings, not 7'],
  [{ stop: ['a', 7] }, 'stop must be a string or a list of strings, not ["a",7]'],
  [{ tool_choice: true }, 'tool_choice must be a string or an object, not true'],
] as const;
for (const [parameters, expected] of expectations) {
  test(expected, () => {
    const found = findInvalidParameter(parameters);
    assert.equal(found && `${found.name} ${found.reason}`, expected);
  });
}

test('a parameter of several types is accepted in each of them', () => {
  for (const stop of ['a', ['a', 'b'], null]) assert.equal(findInvalidParameter({ stop }), undefined);
  for (const tool_choice of ['auto', { type: 'web_search' }]) {
    assert.equal(findInvalidParameter({ tool_choice }), undefined);
  }
});

describe('the check decides as the schema does', () => {
  for (const { title, object, wrong } of fixtures.filter(({ kind }) => kind === 'Persona')) {
    const { spec } = object;
    const parameters = typeof spec === 'object' && spec !== null && 'parameters' in spec ? spec.parameters : undefined;
    if (typeof parameters !== 'object' || parameters === null || Array.isArray(parameters)) continue;
    // What governs is another rule's, and a list with nulls is what only this one refuses.
    if (wrong.includes('spec.parameters') || 'stop' in parameters) continue;
    test(title, () => {
      const found = findInvalidParameter(parameters as Readonly<Record<string, unknown>>);
      assert.deepEqual(found ? [`spec.parameters.${found.name}`] : [], wrong);
    });
  }
});
