import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OrganizationSpec } from '../../../crds/resources.generated.ts';
import { refusesNamed } from '../../../operator/model-rule.ts';
import { judgeModels } from '../../../operator/organizations/models.ts';

type Models = NonNullable<OrganizationSpec['models']>;
const timeouts = { headers: '1s', idle: '1s' };
const openai = { name: 'openai', type: 'openai', timeouts } as const;
const own = { name: 'own', type: 'compatible', baseUrl: 'http://vllm:8000/v1', timeouts } as const;
const ceiling = (changes: Partial<NonNullable<Models['ceilings']>[number]>): Models => ({
  ceilings: [{ name: 'one', action: 'Refuse', ...changes }],
});

const judged: readonly (readonly [
  what: string,
  models: Models,
  reason: string | undefined,
  message?: RegExp | undefined,
  spec?: Partial<OrganizationSpec>,
])[] = [
  ['only allowed models', { allow: ['gpt-4o'] }, undefined],
  ['an alias of a known model', { aliases: [{ name: 'fast', model: 'gpt-4o-mini' }] }, 'Effective'],
  ['an alias of a fine-tuned model', { aliases: [{ name: 'fast', model: 'ft:gpt-4o:acme::1' }] }, 'Effective'],
  [
    'an alias of a model that nobody knows',
    { aliases: [{ name: 'fast', model: 'gpt-4o-minii' }] },
    'AliasWithoutModel',
    /"fast" \(gpt-4o-minii: neither the price list nor/,
  ],
  [
    'an alias of a model that has a price',
    { aliases: [{ name: 'fast', model: 'gpt-99' }] },
    'Effective',
    undefined,
    { prices: [{ model: 'gpt-99', inputPerMillion: '1', outputPerMillion: '1' }] },
  ],
  [
    'an alias of a model of a server that may have any',
    { aliases: [{ name: 'fast', model: 'llama' }] },
    'Effective',
    undefined,
    { providers: [openai, own] },
  ],
  [
    'an alias of a model that no provider serves',
    { aliases: [{ name: 'fast', model: 'llama' }] },
    'AliasWithoutModel',
    /llama: no provider serves it/,
    { providers: [{ ...own, models: [{ name: 'gpt-*' }] }] },
  ],
  [
    'an alias with a level that is not allowed',
    { allow: ['gpt-4o'], aliases: [{ name: 'fast', model: 'gpt-4o', levels: { speed: 'gpt-4.1-nano' } }] },
    'AliasWithoutModel',
    /gpt-4\.1-nano: spec\.models does not allow it/,
  ],
  [
    'an alias that hides a model',
    { aliases: [{ name: 'gpt-4o', model: 'gpt-4o-mini' }] },
    'AliasAmbiguous',
    /"gpt-4o" \(a model has this name.*deny that model/,
  ],
  [
    'an alias in the place of a denied model',
    { deny: ['gpt-4o'], aliases: [{ name: 'gpt-4o', model: 'gpt-4o-mini' }] },
    'Effective',
  ],
  [
    'levels of a model by its own name',
    { aliases: [{ name: 'gpt-4o', model: 'gpt-4o', levels: { speed: 'gpt-4o-mini' } }] },
    'Effective',
  ],
  [
    'an alias of an alias',
    {
      aliases: [
        { name: 'a', model: 'b' },
        { name: 'b', model: 'a' },
      ],
    },
    'AliasAmbiguous',
    /"a" \("b" is an alias itself.*"b" \("a" is an alias itself/,
    { providers: [own] },
  ],
  [
    'an alias behind one for everyone',
    {
      aliases: [
        { name: 'a', model: 'gpt-4o' },
        { name: 'a', model: 'gpt-4o-mini', users: ['ada'] },
      ],
    },
    'AliasAmbiguous',
    /an earlier entry of this name is for everyone/,
  ],
  [
    'an alias behind one for some',
    {
      aliases: [
        { name: 'a', model: 'gpt-4o', users: ['ada'] },
        { name: 'a', model: 'gpt-4o-mini' },
      ],
    },
    'Effective',
  ],
  [
    'an alias for workloads elsewhere',
    { aliases: [{ name: 'a', model: 'gpt-4o', workloads: ['lab'] }] },
    'ModelRuleMatchesNothing',
    /alias a, workloads "lab" \(no namespace that may call is lab\)/,
  ],
  ['a ceiling', ceiling({ maxOutputTokens: 10 }), 'Effective'],
  [
    'a ceiling for a model that is not allowed',
    { allow: ['gpt-4o'], ...ceiling({ maxOutputTokens: 10, match: { models: ['o3'] } }) },
    'ModelRuleMatchesNothing',
    /ceiling one, models "o3" \(spec\.models does not allow it\)/,
  ],
  [
    'a ceiling for an alias',
    { aliases: [{ name: 'fast', model: 'gpt-4o' }], ...ceiling({ maxOutputTokens: 10, match: { models: ['fast'] } }) },
    'ModelRuleMatchesNothing',
    /models "fast" \(it is an alias: rules see the model that it stands for\)/,
  ],
  [
    'a ceiling of what its operations do not have',
    ceiling({ maxTemperature: 1, tools: { deny: ['*'] }, match: { operations: ['embeddings', 'speech'] } }),
    'ModelRuleMatchesNothing',
    /ceiling one, maxTemperature \(only .*; ceiling one, tools \(only/,
  ],
  [
    'defaults that their operations do not have',
    { defaults: [{ name: 'calm', temperature: 0, store: false, match: { operations: ['completions'] } }] },
    'ModelRuleMatchesNothing',
    /default calm, store \(only responses, chat have it\)/,
  ],
];
for (const [what, models, reason, message, spec] of judged) {
  test(`the condition of ${what}`, async () => {
    const verdict = await judgeModels({ providers: [openai], ...spec, models }, ['shop'], false);
    assert.deepEqual([verdict?.reason, verdict?.status], [reason, reason && reason === 'Effective']);
    if (message) assert.match(verdict?.message ?? '', message);
  });
}

test('an organization that had rules keeps the condition', async () => {
  assert.equal((await judgeModels({ providers: [openai] }, [], true))?.status, true);
});

test('a persona may name an alias, if one of its models is allowed', () => {
  const models: Models = {
    allow: ['gpt-4o*'],
    aliases: [
      { name: 'fast', model: 'o3', levels: { speed: 'gpt-4o-mini' } },
      { name: 'slow', model: 'o3' },
    ],
  };
  assert.deepEqual(
    ['fast', 'slow', 'gpt-4o', 'o3'].map((name) => refusesNamed({ models }, name)),
    [false, true, false, true],
  );
});
