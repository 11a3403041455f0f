import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDefinition, type StructuralSchema } from '../../../../crds/definition.ts';
import { ProxyError } from '../../../../proxy/error.ts';
import { canonicalConfig, checkConfig, completeConfig } from '../../../../proxy/governance/configs/config.ts';
import { ConfigBody } from '../../../../proxy/surfaces/governance/analysis/config.ts';
import { makeConfig } from './config.ts';

const categories = [{ name: 'a' }, { name: 'b' }];
const intent = { analysis_type: 'intent' as const, categories };

const refused: readonly (readonly [string, Parameters<typeof checkConfig>[0], string, RegExp])[] = [
  ['no type', { categories }, 'config.analysis_type', /is required/],
  ['no categories', { analysis_type: 'topic' }, 'config.categories', /is required/],
  [
    'a name twice',
    { ...intent, categories: [...categories, { name: 'a', description: 'again' }] },
    'config.categories[2].name',
    /"a" a second time/,
  ],
  ['an unknown placeholder', { ...intent, custom_prompt: 'Read {text}.' }, 'config.custom_prompt', /\{text\}/],
  ['a placeholder in capitals', { ...intent, custom_prompt: '{User_Input}' }, 'config.custom_prompt', /\{User_Input\}/],
];
for (const [what, config, param, message] of refused) {
  test(`refuses ${what}`, () => {
    assert.throws(
      () => checkConfig(config),
      (error) => error instanceof ProxyError && error.param === param && message.test(error.message),
    );
  });
}

test('takes braces that are no placeholders', () => {
  const custom_prompt = 'Answer like {"a": {}, "b": [1]} or { user_input } about {user_input}';
  assert.equal(checkConfig({ ...intent, custom_prompt }).custom_prompt, custom_prompt);
});

test('completes what is not said, and is the same for those who say the defaults', () => {
  const short = completeConfig(intent);
  assert.deepEqual(short, {
    analysis_type: 'intent',
    categories: [
      { name: 'a', description: null, examples: [] },
      { name: 'b', description: null, examples: [] },
    ],
    model: 'gpt-4o-mini',
    temperature: 0.3,
    include_reasoning: true,
    multi_label: false,
    confidence_threshold: null,
    custom_prompt: null,
  });
  assert.deepEqual(completeConfig(short), short);
  assert.equal(canonicalConfig(completeConfig(short)), canonicalConfig(short));
});

test('is another one wherever a field differs', () => {
  const differences = [
    {},
    { analysis_type: 'topic' },
    { model: 'gpt-4o' },
    { temperature: 0 },
    { include_reasoning: false },
    { multi_label: true },
    { confidence_threshold: 0.3 },
    { confidence_threshold: 0 },
    { custom_prompt: 'x' },
    { categories: [{ name: 'support' }] },
    { categories: [{ name: 'support', description: 'x' }] },
    { categories: [{ name: 'support', examples: ['x'] }] },
  ].map((changes) => canonicalConfig(makeConfig(changes)));
  assert.equal(new Set(differences).size, differences.length);
});

/** What of a schema decides: types, bounds and fields, without what only describes. */
function limitsOf(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(limitsOf);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { anyOf, ...rest } = schema as { anyOf?: object[] } & Record<string, unknown>;
  // What may be null there may be absent in YAML.
  if (anyOf) return limitsOf(anyOf[0]);
  const decisive = ['type', 'properties', 'required', 'items', 'enum'].concat([
    'minLength',
    'maxLength',
    'minItems',
    'maxItems',
    'minimum',
    'maximum',
  ]);
  return Object.fromEntries(
    Object.entries(rest)
      .filter(([keyword]) => decisive.includes(keyword))
      .map(([keyword, value]) => [keyword, keyword === 'properties' ? limitsOfEach(value) : limitsOf(value)]),
  );
}

function limitsOfEach(properties: unknown) {
  return Object.fromEntries(Object.entries(properties ?? {}).map(([name, schema]) => [name, limitsOf(schema)]));
}

test('has the fields and limits that an AnalysisConfig has', () => {
  const schema: StructuralSchema = readDefinition('AnalysisConfig').schema;
  const config = schema.properties?.spec?.properties?.config;
  const withoutTypeOfEnum = (value: unknown) =>
    JSON.parse(JSON.stringify(value), (_key, node) => {
      if (node?.enum) Reflect.deleteProperty(node, 'type');
      return node;
    });
  assert.deepEqual(withoutTypeOfEnum(limitsOf(ConfigBody)), withoutTypeOfEnum(limitsOf(config)));
});

test('defaults are those of an AnalysisConfig', () => {
  const schema: StructuralSchema = readDefinition('AnalysisConfig').schema;
  const properties = schema.properties?.spec?.properties?.config?.properties ?? {};
  const completed: Readonly<Record<string, unknown>> = { ...completeConfig(intent) };
  assert.deepEqual(Object.keys(properties), Object.keys(completed));
  for (const [name, { default: value }] of Object.entries(properties)) {
    if (value !== undefined) assert.equal(completed[name], value, name);
  }
});
