import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import type { JsonObject } from '../../sandbox/json.ts';
import { argumentsOf, sampleOf } from '../../sandbox/json-schema-sample.ts';
import { ProviderError } from '../../sandbox/provider-error.ts';

/** One for all: each new one compiles the meta-schema anew. */
const ajv = new Ajv2020({ strict: false, validateFormats: false });

const said = 'Send 7 of x to Paris on 2026-03-01';

function assertSatisfied(schema: JsonObject): void {
  const validate = ajv.compile(schema);
  for (const make of [
    () => sampleOf(schema, 'an answer'),
    () => argumentsOf(schema, said, ['7', 'Paris', '2026-03-01', '-0.5']),
  ]) {
    const value = make();
    const text = `${JSON.stringify(schema)}: ${JSON.stringify(value)}`;
    assert.ok(validate(value), `${text}: ${JSON.stringify(validate.errors)}`);
    assert.deepEqual(make(), value);
  }
}

const node = {
  type: 'object',
  properties: { value: { type: 'number' }, next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] } },
  required: ['value', 'next'],
  additionalProperties: false,
};

const schemas: Record<string, JsonObject> = {
  anything: {},
  'a list that refers to itself': { $ref: '#/$defs/node', $defs: { node } },
  'a tree that is its own root': {
    type: 'object',
    properties: { children: { type: 'array', items: { $ref: '#' } } },
    required: ['children'],
  },
  'one of several': { oneOf: [{ type: 'string', maxLength: 3 }, { type: 'number' }] },
  'all of several': {
    allOf: [
      { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] },
      { properties: { b: { const: 7 } }, required: ['b'] },
    ],
  },
  'a nullable type': { type: ['string', 'null'] },
  'a tuple': {
    type: 'array',
    prefixItems: [{ type: 'string' }, { type: 'boolean' }],
    minItems: 3,
    items: { enum: [4] },
  },
  'no items': { type: 'array', maxItems: 0 },
  'exclusive bounds': { type: 'number', exclusiveMinimum: 1, exclusiveMaximum: 1.5 },
  multiples: { type: 'integer', multipleOf: 7, minimum: 10 },
  'multiples below': { type: 'number', multipleOf: 0.5, exclusiveMaximum: -3 },
  'a long string': { type: 'string', minLength: 40 },
};

for (const [name, schema] of Object.entries(schemas)) {
  test(`satisfied: ${name}`, () => assertSatisfied(schema));
}

test('satisfied: any combination of types, bounds and choices', () => {
  const { schema } = fc.letrec<{ schema: JsonObject }>((tie) => ({
    schema: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom<JsonObject>({ type: 'string' }, { type: 'boolean' }, { type: 'null' }, { enum: ['x', 1] }),
      fc.record({ type: fc.constant('string'), minLength: fc.nat(30), maxLength: fc.integer({ min: 30, max: 60 }) }),
      fc.record({ type: fc.constant('integer'), minimum: fc.integer({ max: 0 }), maximum: fc.nat() }),
      fc.record({ type: fc.constant('number'), exclusiveMinimum: fc.integer({ min: -50, max: 50 }) }),
      fc.record({ type: fc.constant('array'), items: tie('schema'), minItems: fc.nat(3) }),
      fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
      fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), tie('schema'), { maxKeys: 4 }).map((properties) => ({
        type: 'object',
        properties,
        required: Object.keys(properties),
        additionalProperties: false,
      })),
    ),
  }));
  fc.assert(fc.property(schema, assertSatisfied), { numRuns: 60 });
});

test('an enum gets the value that shares most words with the prompt, otherwise its first', () => {
  const schema = { enum: ['technical_support', 'billing_inquiry', 'Billing support', 7] };
  for (const [said, expected] of [
    ['Hello', 'technical_support'],
    ['A BILLING question!', 'billing_inquiry'],
    ['support for billing', 'Billing support'],
    ['7', 7],
  ] as const) {
    assert.equal(sampleOf(schema, 'an answer', said), expected, said);
  }
});

const string = { type: 'string' };
const fillings: [name: string, properties: JsonObject, values: string[], expected: JsonObject][] = [
  ['in order', { from: string, to: string }, ['Berlin', 'Rome'], { from: 'Berlin', to: 'Rome' }],
  ['numbers go to numbers', { to: string, amount: { type: 'integer' } }, ['50', 'Bob'], { to: 'Bob', amount: 50 }],
  ['an id may be a number', { order: string }, ['1234'], { order: '1234' }],
  ['out of bounds', { stars: { type: 'integer', maximum: 5 } }, ['9'], { stars: 1 }],
  ['a fraction is no integer', { count: { type: 'integer' } }, ['2.5'], { count: 1 }],
  [
    'by format',
    { day: { ...string, format: 'date' }, to: string },
    ['Rome', '2026-03-01'],
    { day: '2026-03-01', to: 'Rome' },
  ],
  ['not of the format', { to: { ...string, format: 'email' } }, ['Bob'], { to: 'sandbox@example.com' }],
  ['all that was said, once', { text: string, note: string }, [], { text: 'as it was said', note: 'note' }],
  ['lists', { cities: { type: 'array', items: string, minItems: 2 } }, ['Rome', 'Oslo'], { cities: ['Rome', 'Oslo'] }],
];

for (const [name, properties, values, expected] of fillings) {
  test(`arguments from the prompt: ${name}`, () => {
    assert.deepEqual(argumentsOf({ type: 'object', properties }, 'as it was said', values), expected);
  });
}

const hopeless: Record<string, JsonObject> = {
  'recursion without end': { type: 'object', properties: { self: { $ref: '#' } }, required: ['self'] },
  'a reference to nothing': { $ref: '#/$defs/none' },
  'a reference to itself': { $ref: '#' },
  'a huge array': { type: 'array', minItems: 1e9 },
  'a huge string': { type: 'string', minLength: 1e9 },
};

for (const [name, schema] of Object.entries(hopeless)) {
  test(`refused: ${name}`, () => {
    assert.throws(() => sampleOf(schema, ''), ProviderError);
  });
}
