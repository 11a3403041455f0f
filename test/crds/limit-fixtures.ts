import type { JsonValue } from '../../crds/definition.ts';
import type { JsonObject } from '../../crds/schema-node.ts';

type Case = readonly [
  title: string,
  changes: Readonly<Record<string, JsonValue | undefined>>,
  wrong?: readonly string[],
];

const limit = (changes: JsonObject) => ({
  limits: [{ name: 'one', requests: { count: 10, window: '1m' }, ...changes }],
});
const budget = (changes: JsonObject) => ({ budgets: [{ name: 'one', amountUsd: '100', ...changes }] });
const raise = (changes: JsonObject) =>
  budget({ raise: { byUsd: '50', until: '2026-12-24T18:00:00Z', reason: 'Launch', ...changes } });

/** What an Organization and an ApiKeyBinding have in common. */
const shared: readonly Case[] = [
  ['a limit of calls at once', { limits: [{ name: 'calls', concurrent: 10 }] }],
  [
    'several limits',
    {
      limits: [
        { name: 'calls', concurrent: 10 },
        { name: 'few', concurrent: 1 },
      ],
    },
  ],
  ['no limits', { limits: [] }],
  ['a limit of nothing', { limits: [{ name: 'calls' }] }, ['spec.limits[0]']],
  ['a limit of no calls at all', { limits: [{ name: 'calls', concurrent: 0 }] }, ['spec.limits[0].concurrent']],
  ['a limit of half a call', { limits: [{ name: 'calls', concurrent: 1.5 }] }, ['spec.limits[0].concurrent']],
  ['a limit without a name', { limits: [{ concurrent: 1 }] }, ['spec.limits[0].name']],
  ['a limit with a name for people', limit({ name: 'All calls' }), ['spec.limits[0].name']],
  [
    'two limits of one name',
    {
      limits: [
        { name: 'calls', concurrent: 1 },
        { name: 'calls', concurrent: 2 },
      ],
    },
    ['spec.limits[1]'],
  ],
  ['a limit per something that cannot be counted', limit({ per: 'Team' }), ['spec.limits[0].per']],
  [
    'a limit of everything',
    limit({ per: 'User', tokens: { count: 1e12, window: '24h', of: 'Output' }, concurrent: 5 }),
  ],
  ['a limit of requests in a window of a second', limit({ requests: { count: 1, window: '1s' } })],
  ['a limit of requests in a year', limit({ requests: { count: 1, window: '8784h' } })],
  [
    'a limit of requests in a shorter time',
    limit({ requests: { count: 1, window: '999ms' } }),
    ['spec.limits[0].requests.window'],
  ],
  [
    'a limit of requests in a longer time',
    limit({ requests: { count: 1, window: '8785h' } }),
    ['spec.limits[0].requests.window'],
  ],
  [
    'a limit of requests in a day of a calendar',
    limit({ requests: { count: 1, window: '1d' } }),
    ['spec.limits[0].requests.window'],
  ],
  ['a limit of no requests', limit({ requests: { count: 0, window: '1m' } }), ['spec.limits[0].requests.count']],
  ['a limit of requests in no time', limit({ requests: { count: 1 } }), ['spec.limits[0].requests.window']],
  ['a limit of no number of tokens', limit({ tokens: { window: '1m' } }), ['spec.limits[0].tokens.count']],
  [
    'a limit of tokens that no number holds',
    limit({ tokens: { count: 1e13, window: '1m' } }),
    ['spec.limits[0].tokens.count'],
  ],
  [
    'a limit of tokens of a kind that is none',
    limit({ tokens: { count: 1, window: '1m', of: 'Cached' } }),
    ['spec.limits[0].tokens.of'],
  ],
  ['a limit that only reports', limit({ action: 'Report', whenUnavailable: 'Deny' })],
  ['a limit that warns, as budgets do', limit({ action: 'Warn' }), ['spec.limits[0].action']],
  ['a limit that guesses', limit({ whenUnavailable: 'Guess' }), ['spec.limits[0].whenUnavailable']],
  [
    'a limit of some calls',
    limit({
      match: {
        models: ['gpt-5*', 'o3'],
        operations: ['chat', 'image_generations'],
        users: ['*@example.com'],
        workloads: ['shop', 'shop/checkout', 'team-*/*', '*'],
      },
    }),
  ],
  ['a limit of every call', limit({ match: {} })],
  ['a limit of no model', limit({ match: { models: [] } }), ['spec.limits[0].match.models']],
  ['a limit of a surface', limit({ match: { operations: ['audio'] } }), ['spec.limits[0].match.operations[0]']],
  ['a limit of a user that is blank', limit({ match: { users: [' '] } }), ['spec.limits[0].match.users[0]']],
  [
    'a limit of workloads that can not be',
    limit({ match: { workloads: ['Shop', 'shop/', 'shop/a/b'] } }),
    ['spec.limits[0].match.workloads[0]', 'spec.limits[0].match.workloads[1]', 'spec.limits[0].match.workloads[2]'],
  ],
  ['a limit of something unknown', limit({ match: { teams: ['a'] } }), ['spec.limits[0].match.teams']],
  ['a budget', budget({})],
  ['a budget of cents', budget({ amountUsd: '0.0000000001' })],
  ['a budget of nothing', budget({ amountUsd: '0.00' }), ['spec.budgets[0].amountUsd']],
  ['a budget of less than nothing', budget({ amountUsd: '-1' }), ['spec.budgets[0].amountUsd']],
  ['a budget as a number', budget({ amountUsd: 100 }), ['spec.budgets[0].amountUsd']],
  ['a budget of another currency', budget({ amountUsd: '100 EUR' }), ['spec.budgets[0].amountUsd']],
  ['a budget without an amount', { budgets: [{ name: 'one' }] }, ['spec.budgets[0].amountUsd']],
  [
    'two budgets of one name',
    { budgets: ['1', '2'].map((amountUsd) => ({ name: 'one', amountUsd })) },
    ['spec.budgets[1]'],
  ],
  ['a budget of a month that begins in its middle', budget({ window: 'Month', startDay: 15 })],
  ['a budget of a week that begins on a Sunday', budget({ window: 'Week', startDay: 7 })],
  ['a week that begins on its eighth day', budget({ window: 'Week', startDay: 8 }), ['spec.budgets[0].startDay']],
  ['a month that begins on its 29th day', budget({ startDay: 29 }), ['spec.budgets[0].startDay']],
  ['a day that begins on a day', budget({ window: 'Day', startDay: 1 }), ['spec.budgets[0].startDay']],
  ['a total that begins', budget({ window: 'Total', startDay: 1 }), ['spec.budgets[0].startDay']],
  ['a budget of an hour', budget({ window: 'Hour' }), ['spec.budgets[0].window']],
  ['a budget of which nobody is warned', budget({ warnAt: [] })],
  ['a budget that warns beyond its amount', budget({ warnAt: [50, 150], action: 'Warn' })],
  ['a budget that warns at nothing', budget({ warnAt: [0] }), ['spec.budgets[0].warnAt[0]']],
  ['a budget that warns at a part', budget({ warnAt: [0.8] }), ['spec.budgets[0].warnAt[0]']],
  ['a budget that shortens', budget({ onShortfall: 'Shorten', unpriced: 'Allow', whenUnavailable: 'Deny' })],
  ['a budget that only reports, as limits do', budget({ action: 'Report' }), ['spec.budgets[0].action']],
  ['a raise', raise({})],
  ['a raise that nobody can explain', raise({ reason: ' ' }), ['spec.budgets[0].raise.reason']],
  ['a raise for ever', budget({ raise: { byUsd: '1', reason: 'x' } }), ['spec.budgets[0].raise.until']],
  ['a raise until a day', raise({ until: '2026-12-24' }), ['spec.budgets[0].raise.until']],
  ['a raise of nothing', raise({ byUsd: '0' }), ['spec.budgets[0].raise.byUsd']],
  ['a tier', { tier: 'starter' }],
  ['a tier that is none', { tier: 'gold' }, ['spec.tier']],
];

const texts = (count: number) => Array.from({ length: count }, (_, index) => `item-${index}`);
const manyLimits = (count: number) => ({ limits: texts(count).map((name) => ({ name, concurrent: 1 })) });
const manyBudgets = (count: number) => ({ budgets: texts(count).map((name) => ({ name, amountUsd: '1' })) });

export const limitsOfOrganizations: readonly Case[] = [
  ...shared,
  ['a limit of the organization', limit({ per: 'Organization' })],
  ['64 limits', manyLimits(64)],
  ['65 limits', manyLimits(65), ['spec.limits']],
  ['64 budgets', manyBudgets(64)],
  ['65 budgets', manyBudgets(65), ['spec.budgets']],
  [
    'tiers of users',
    {
      tiers: [
        { users: ['ada', '*@example.com'], tier: 'enterprise' },
        { users: ['*'], tier: 'free' },
      ],
    },
  ],
  ['a tier of nobody', { tiers: [{ users: [], tier: 'free' }] }, ['spec.tiers[0].users']],
  ['users of a tier that is none', { tiers: [{ users: ['ada'], tier: 'gold' }] }, ['spec.tiers[0].tier']],
  ['users of no tier', { tiers: [{ users: ['ada'] }] }, ['spec.tiers[0].tier']],
];

export const limitsOfBindings: readonly Case[] = [
  ...shared,
  ['a limit of the organization', limit({ per: 'Organization' }), ['spec.limits[0].per']],
  ['a budget of the organization', budget({ per: 'Organization' }), ['spec.budgets[0].per']],
  ['16 limits', manyLimits(16)],
  ['17 limits', manyLimits(17), ['spec.limits']],
  ['17 budgets', manyBudgets(17), ['spec.budgets']],
  ['tiers of users', { tiers: [{ users: ['ada'], tier: 'free' }] }, ['spec.tiers']],
];
