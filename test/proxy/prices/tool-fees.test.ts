import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { costOfToolCalls } from '../../../proxy/prices/tool-fees.ts';

/** 10^-12 dollars. */
const cents = (count: number) => BigInt(count) * 10_000_000_000n;

describe('OpenAI’s fee of 1,000 calls of a tool', () => {
  const rows: readonly (readonly [type: string, model: string, fee: bigint | null])[] = [
    ['file_search', 'gpt-4o', cents(250)],
    ['file_search', 'o3', cents(250)],
    ['file_search', 'ft:gpt-4o:acme::1', null],
    ['web_search', 'gpt-4o', cents(1_000)],
    ['web_search', 'gpt-5-mini', cents(1_000)],
    ['web_search', 'o4-mini', cents(1_000)],
    ['web_search', 'gpt-4o-mini', null],
    ['web_search', 'gpt-4o-mini-2024-07-18', null],
    ['web_search', 'gpt-4.1-mini', null],
    ['web_search_preview', 'gpt-4o', cents(2_500)],
    ['web_search_preview', 'gpt-4.1-mini-2025-04-14', cents(2_500)],
    ['web_search_preview', 'gpt-4.1-nano', null],
    ['web_search_preview', 'gpt-5', cents(1_000)],
    ['web_search_preview', 'gpt-5.1-chat-latest', null],
    ['web_search_preview', 'o3', cents(1_000)],
    ['code_interpreter', 'gpt-4o', null],
    ['image_generation', 'gpt-4o', null],
    ['constructor', 'gpt-4o', null],
    ['', 'gpt-4o', null],
    ['file_search', 'my-model', null],
    ['file_search', 'my-gpt-4o', null],
  ];
  for (const [type, model, fee] of rows) {
    test(`${type || 'a tool without a name'} with ${model} is ${fee ?? 'unknown'}`, () => {
      assert.equal(costOfToolCalls('openai', model, [{ type, count: 1_000 }]), fee);
    });
  }
});

describe('the tools of a call', () => {
  const search = { type: 'file_search', count: 2 };
  const unknown = { type: 'code_interpreter', count: 1 };
  const rows: readonly (readonly [name: string, ...Parameters<typeof costOfToolCalls>, cost: bigint | null])[] = [
    ['cost nothing where none was called', 'openai', 'gpt-4o', [], undefined, 0n],
    ['cost nothing where the answer does not report any', 'openai', 'gpt-4o', null, undefined, 0n],
    [
      'cost the sum of their fees',
      'openai',
      'gpt-4o',
      [search, { type: 'web_search', count: 1 }],
      undefined,
      15_000_000_000n,
    ],
    ['have an unknown cost where one fee is unknown', 'openai', 'gpt-4o', [search, unknown], undefined, null],
    ['have an unknown cost with another price list', 'elsewhere', 'gpt-4o', [search], undefined, null],
    [
      'have an unknown cost with a list that is named like a property of objects',
      'constructor',
      'gpt-4o',
      [search],
      undefined,
      null,
    ],
    ['have an unknown cost without a price list', undefined, 'gpt-4o', [search], undefined, null],
    ['cost the organization’s own fee', 'openai', 'gpt-4o', [search], new Map([['file_search', 3n]]), 6n],
    [
      'are free where the organization’s own fee is 0',
      'openai',
      'gpt-4o',
      [search],
      new Map([['file_search', 0n]]),
      0n,
    ],
    [
      'cost the own fees without a price list',
      undefined,
      'my-model',
      [unknown],
      new Map([['code_interpreter', 7n]]),
      7n,
    ],
  ];
  for (const [name, list, model, calls, own, cost] of rows) {
    test(name, () => assert.equal(costOfToolCalls(list, model, calls, own), cost));
  }
});

describe('a model that searches the web by itself', () => {
  const own = new Map([['web_search', 5n]]);
  const rows: readonly (readonly [name: string, ...Parameters<typeof costOfToolCalls>, cost: bigint | null])[] = [
    ['costs one search per call', 'openai', 'gpt-4o-search-preview', null, undefined, cents(250) / 100n],
    [
      'costs one search per call in a dated version',
      'openai',
      'gpt-4o-mini-search-preview-2025-03-11',
      null,
      undefined,
      cents(250) / 100n,
    ],
    ['costs the organization’s own fee', 'openai', 'gpt-4o-search-preview', null, own, 5n],
    ['has an unknown fee where it may search several times', 'openai', 'gpt-5-search-api', null, undefined, null],
    ['costs the own fee where it may search several times', 'openai', 'gpt-5-search-api-2025-10-14', null, own, 5n],
    [
      'has an unknown fee at a provider with another price list',
      'elsewhere',
      'gpt-4o-search-preview',
      null,
      undefined,
      null,
    ],
    [
      'has an unknown fee at a provider without a price list',
      undefined,
      'gpt-4o-search-preview',
      null,
      undefined,
      null,
    ],
    ['costs the own fee at a provider without a price list', undefined, 'gpt-4o-search-preview', null, own, 5n],
    ['is another one where only a part of its name is the same', undefined, 'my-search-model', null, undefined, 0n],
  ];
  for (const [name, list, model, calls, fees, cost] of rows) {
    test(name, () => assert.equal(costOfToolCalls(list, model, calls, fees), cost));
  }
});

test('a fee is known for all calls of a tool or for none, and grows with their number', () => {
  const type = fc.constantFrom('file_search', 'web_search', 'web_search_preview', 'code_interpreter', 'other');
  const model = fc.constantFrom(
    'gpt-4o',
    'gpt-4o-mini',
    'o3',
    'gpt-5',
    'gpt-4o-search-preview',
    'gpt-5-search-api',
    'x',
  );
  const calls = fc.array(fc.record({ type, count: fc.nat(10_000) }), { maxLength: 4 });
  fc.assert(
    fc.property(model, calls, (name, made) => {
      const cost = costOfToolCalls('openai', name, made);
      const ofModel = costOfToolCalls('openai', name, []);
      const single = made.map(({ type, count }) => costOfToolCalls('openai', name, [{ type, count }]));
      if (ofModel === null || single.includes(null)) assert.equal(cost, null);
      else
        assert.equal(
          cost,
          single.reduce((sum: bigint, fee) => sum + (fee ?? 0n) - ofModel, ofModel),
        );
    }),
  );
});
