import type { JsonValue } from '../../crds/definition.ts';

type Case = readonly [
  title: string,
  changes: Readonly<Record<string, JsonValue | undefined>>,
  wrong?: readonly string[],
];

const alias = (changes: Readonly<Record<string, JsonValue>>) => ({
  models: { aliases: [{ name: 'fast', model: 'gpt-4o-mini', ...changes }] },
});
const ceiling = (changes: Readonly<Record<string, JsonValue>>) => ({
  models: { ceilings: [{ name: 'one', ...changes }] },
});
const defaults = (changes: Readonly<Record<string, JsonValue>>) => ({
  models: { defaults: [{ name: 'one', ...changes }] },
});
const at = (list: string, field: string) => [`spec.models.${list}[0]${field}`];
const many = (count: number, made: (name: string) => JsonValue) =>
  Array.from({ length: count }, (_, index) => made(`item-${index}`));

export const modelsOfOrganizations: readonly Case[] = [
  ['an alias', alias({})],
  ['an alias of each level', alias({ levels: { quality: 'gpt-4o', balanced: 'gpt-4o-mini', speed: 'gpt-4.1-nano' } })],
  ['an alias of one level', alias({ levels: { speed: 'gpt-4.1-nano' } })],
  ['an alias for some', alias({ users: ['ada', '*@example.com'], workloads: ['shop', 'shop/checkout'] })],
  [
    'two aliases of one name',
    {
      models: {
        aliases: [
          { name: 'a', model: 'b', users: ['ada'] },
          { name: 'a', model: 'c' },
        ],
      },
    },
  ],
  [
    'an alias with what it is for',
    alias({ capabilities: ['text_generation', 'embeddings'], complianceLevel: 'internal use' }),
  ],
  ['an alias for nothing', alias({ capabilities: [] }), at('aliases', '.capabilities')],
  ['an alias for something unknown', alias({ capabilities: ['poetry'] }), at('aliases', '.capabilities[0]')],
  ['an alias of a blank level of compliance', alias({ complianceLevel: ' ' }), at('aliases', '.complianceLevel')],
  ['a default alias', { models: { defaultAlias: 'fast', aliases: [{ name: 'fast', model: 'gpt-4o' }] } }],
  [
    'a default alias that is none',
    { models: { defaultAlias: 'fast', aliases: [{ name: 'a', model: 'b' }] } },
    ['spec.models'],
  ],
  ['a default alias without aliases', { models: { defaultAlias: 'fast' } }, ['spec.models']],
  ['an alias without a model', { models: { aliases: [{ name: 'fast' }] } }, at('aliases', '.model')],
  ['an alias without a name', { models: { aliases: [{ model: 'gpt-4o' }] } }, at('aliases', '.name')],
  ['an alias with a pattern', alias({ name: 'fast-*' }), at('aliases', '.name')],
  ['an alias of a pattern', alias({ model: 'gpt-*' }), at('aliases', '.model')],
  ['an alias that no header can have', alias({ model: 'gpt-\u00e4' }), at('aliases', '.model')],
  ['an alias of no level', alias({ levels: {} }), at('aliases', '.levels')],
  ['an alias of a level of a pattern', alias({ levels: { speed: 'gpt-*' } }), at('aliases', '.levels.speed')],
  [
    'an alias of another level',
    alias({ levels: { speed: 'gpt-4o', cheap: 'gpt-4o' } }),
    at('aliases', '.levels.cheap'),
  ],
  ['an alias for nobody', alias({ users: [] }), at('aliases', '.users')],
  ['an alias for a workload of a bad name', alias({ workloads: ['Shop'] }), at('aliases', '.workloads[0]')],
  ['257 aliases', { models: { aliases: many(257, (name) => ({ name, model: 'gpt-4o' })) } }, ['spec.models.aliases']],
  [
    'a ceiling of everything',
    ceiling({
      match: { models: ['gpt-*'], operations: ['chat', 'messages'], users: ['*'], workloads: ['shop'] },
      ...{ action: 'Lower', maxOutputTokens: 1, maxTemperature: 0, imageDetail: 'low' },
      tools: { allow: ['get_*', 'web_search'], deny: ['mcp/*'] },
    }),
  ],
  ['a ceiling of nothing', ceiling({ action: 'Lower' }), at('ceilings', '')],
  ['a ceiling without a name', { models: { ceilings: [{ maxOutputTokens: 1 }] } }, at('ceilings', '.name')],
  ['a ceiling with a name for people', ceiling({ name: 'All calls', maxOutputTokens: 1 }), at('ceilings', '.name')],
  [
    'two ceilings of one name',
    {
      models: {
        ceilings: [
          { name: 'a', maxTemperature: 1 },
          { name: 'a', maxTemperature: 2 },
        ],
      },
    },
    ['spec.models.ceilings[1]'],
  ],
  ['a ceiling of no tokens', ceiling({ maxOutputTokens: 0 }), at('ceilings', '.maxOutputTokens')],
  ['a ceiling of half a token', ceiling({ maxOutputTokens: 1.5 }), at('ceilings', '.maxOutputTokens')],
  ['a half temperature', ceiling({ maxTemperature: 0.5 })],
  ['a temperature below 0', ceiling({ maxTemperature: -0.1 }), at('ceilings', '.maxTemperature')],
  ['a temperature above 2', ceiling({ maxTemperature: 2.1 }), at('ceilings', '.maxTemperature')],
  ['a ceiling of high detail', ceiling({ imageDetail: 'high' }), at('ceilings', '.imageDetail')],
  ['an action that is none', ceiling({ maxTemperature: 1, action: 'Drop' }), at('ceilings', '.action')],
  ['tools of no rule', ceiling({ tools: {} }), at('ceilings', '.tools')],
  ['no tool', ceiling({ tools: { allow: [] } }), at('ceilings', '.tools.allow')],
  ['a tool twice', ceiling({ tools: { deny: ['a', 'a'] } }), at('ceilings', '.tools.deny[1]')],
  ['a tool with a space', ceiling({ tools: { deny: ['web search'] } }), at('ceilings', '.tools.deny[0]')],
  [
    'a ceiling for an operation that is none',
    ceiling({ maxTemperature: 1, match: { operations: ['paint'] } }),
    at('ceilings', '.match.operations[0]'),
  ],
  [
    '65 ceilings',
    { models: { ceilings: many(65, (name) => ({ name, maxTemperature: 1 })) } },
    ['spec.models.ceilings'],
  ],
  [
    'every default',
    defaults({
      match: { models: ['gpt-*'] },
      ...{ temperature: 0, topP: 1, maxOutputTokens: 500, reasoningEffort: 'low', serviceTier: 'flex', store: false },
    }),
  ],
  ['a default of nothing', defaults({ match: { users: ['ada'] } }), at('defaults', '')],
  ['a default that does not store', defaults({ store: false })],
  ['a default temperature above 2', defaults({ temperature: 3 }), at('defaults', '.temperature')],
  ['a default above all', defaults({ topP: 1.1 }), at('defaults', '.topP')],
  ['a default of no tokens', defaults({ maxOutputTokens: 0 }), at('defaults', '.maxOutputTokens')],
  ['a default effort of no word', defaults({ reasoningEffort: 'Very high' }), at('defaults', '.reasoningEffort')],
  ['a default tier that is none', defaults({ serviceTier: 'gold' }), at('defaults', '.serviceTier')],
  ['a default store that is a word', defaults({ store: 'no' }), at('defaults', '.store')],
  ['a default that is no field', defaults({ store: true, tools: [] }), at('defaults', '.tools')],
  ['65 defaults', { models: { defaults: many(65, (name) => ({ name, store: true })) } }, ['spec.models.defaults']],
];
