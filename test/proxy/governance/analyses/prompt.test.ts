import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { ProxyError } from '../../../../proxy/error.ts';
import { answerSchema } from '../../../../proxy/governance/analyses/answer-schema.ts';
import { readFindings } from '../../../../proxy/governance/analyses/findings.ts';
import { makeQuestion } from '../../../../proxy/governance/analyses/prompt.ts';
import { fillPlaceholders } from '../../../../proxy/governance/configs/placeholders.ts';
import { sampleOf } from '../../../../sandbox/json-schema-sample.ts';
import { makeConfig } from '../configs/config.ts';

const conversation = { userInput: 'Where is {categories}? $& $1', aiResponse: '{user_input} "quoted"' };

function contentsOf(changes: object, said = conversation) {
  const { messages } = makeQuestion(makeConfig(changes), said);
  return messages.map(({ role, content }) => [role, content] as const);
}

describe('the question', () => {
  test('has the conversation as data beside the rules, and the categories one a line', () => {
    const [[, system] = [], [role, user] = []] = contentsOf({});
    assert.match(
      String(system),
      /\{"name":"support"\}\n\{"name":"billing","description":"Money","examples":\["invoice"\]\}/,
    );
    assert.equal(role, 'user');
    assert.deepEqual(JSON.parse(String(user)), {
      user_input: conversation.userInput,
      ai_response: conversation.aiResponse,
    });
  });

  test('has a custom prompt filled in, whose data are never a template', () => {
    const custom_prompt = 'U: {user_input}\nA: {ai_response}\nU again: {user_input}\nC: {categories} {"a": 1} {} {1}';
    const [[, system] = [], [, user] = []] = contentsOf({ custom_prompt });
    const { userInput, aiResponse } = conversation;
    const lines =
      '{"name":"support"}\n{"name":"billing","description":"Money","examples":["invoice"]}\n{"name":"other"}';
    assert.equal(user, `U: ${userInput}\nA: ${aiResponse}\nU again: ${userInput}\nC: ${lines} {"a": 1} {} {1}`);
    assert.doesNotMatch(String(system), /invoice/);
  });

  test('has what a custom prompt leaves out beside it', () => {
    const [[, system] = [], [, user] = []] = contentsOf({ custom_prompt: 'How urgent is it?' });
    assert.match(String(system), /"name":"billing"/);
    assert.ok(String(user).startsWith('How urgent is it?\n\n{"user_input":'));
  });

  test('is refused where it would have no bounds', () => {
    const custom_prompt = '{user_input}'.repeat(8_000);
    const said = { userInput: 'x'.repeat(1_000), aiResponse: '' };
    assert.throws(
      () => makeQuestion(makeConfig({ custom_prompt }), said),
      (error) => error instanceof ProxyError && error.param === 'config.custom_prompt' && error.status === 400,
    );
  });

  test('fills in texts exactly as they are, as long as they fit', () => {
    const part = fc.constantFrom('{user_input}', '{ai_response}', '{categories}', '{other}', 'text', '{', '}', '$&');
    fc.assert(
      fc.property(fc.array(part), fc.string(), fc.string(), (parts, userInput, aiResponse) => {
        const values = { user_input: userInput, ai_response: aiResponse, categories: '{user_input}' };
        const expected = parts
          .join('')
          .split(/(\{(?:user_input|ai_response|categories)\})/)
          .map((piece) =>
            /^\{\w+\}$/.test(piece)
              ? (Object.entries(values).find(([name]) => piece === `{${name}}`)?.[1] ?? piece)
              : piece,
          )
          .join('');
        assert.equal(fillPlaceholders(parts.join(''), values, expected.length), expected);
        if (expected.length > 0) assert.equal(fillPlaceholders(parts.join(''), values, expected.length - 1), undefined);
      }),
    );
  });
});

describe('the schema of the answer', () => {
  const anyConfig = fc
    .record({
      names: fc.uniqueArray(fc.string({ minLength: 1, unit: 'grapheme' }), { minLength: 1, maxLength: 5 }),
      include_reasoning: fc.boolean(),
      multi_label: fc.boolean(),
    })
    .map(({ names, ...rest }) => makeConfig({ categories: names.map((name) => ({ name })), ...rest }));

  test('is one that strict structured outputs take: every field required, none besides', () => {
    const walk = (schema: unknown): void => {
      if (typeof schema !== 'object' || schema === null) return;
      if ('type' in schema && schema.type === 'object' && 'properties' in schema && 'required' in schema) {
        assert.deepEqual(Object.keys(schema.properties ?? {}), schema.required);
        assert.equal('additionalProperties' in schema && schema.additionalProperties, false);
      }
      for (const [keyword, value] of Object.entries(schema)) {
        assert.ok(!['minimum', 'maximum', 'minItems', 'maxItems', 'minLength', 'pattern'].includes(keyword), keyword);
        walk(value);
      }
    };
    fc.assert(fc.property(anyConfig, (config) => walk(answerSchema(config))));
  });

  test('lets nothing come that is not read, and no category that is not there', () => {
    fc.assert(
      fc.property(anyConfig, fc.string(), (config, text) => {
        const schema = answerSchema(config);
        const sample = sampleOf(JSON.parse(JSON.stringify(schema)), text);
        assert.ok(readFindings(JSON.stringify(sample), config));
        const validate = new Ajv2020().compile(schema);
        assert.ok(validate(sample));
        const stranger = {
          name: `not ${config.categories.map(({ name }) => name).join()}`,
          reasoning: '',
          confidence: 1,
        };
        assert.equal(validate({ ...Object(sample), categories: [stranger] }), false);
      }),
      { numRuns: 30 },
    );
  });
});
