import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiKeyBinding, OrganizationSpec } from '../../../crds/resources.generated.ts';
import { loadModelList } from '../../../operator/known-models.ts';
import { judgeBindingRules, judgeOrganizationRules } from '../../../operator/limits/judge.ts';
import { makeBinding, makeOrganization } from '../memory-cluster.ts';

const nowMs = Date.parse('2026-06-15T12:00:00Z');
const basics = { action: 'Enforce', whenUnavailable: 'Allow', concurrent: 1 } as const;
const money = { action: 'Block', whenUnavailable: 'Allow', window: 'Month', warnAt: [] as number[] } as const;
type Match = NonNullable<NonNullable<OrganizationSpec['limits']>[number]['match']>;

function limit(match: Match, name = 'one') {
  return { ...basics, name, per: 'Organization' as const, match };
}
function budget(raise?: { byUsd: string; until: string; reason: string }, name = 'month') {
  return {
    ...{ ...money, warnAt: [80], name, per: 'Organization' as const, amountUsd: '10' },
    ...{ onShortfall: 'Refuse' as const, unpriced: 'Refuse' as const, ...(raise && { raise }) },
  };
}
const judge = (spec: Partial<OrganizationSpec>, namespaces: readonly string[] = ['shop', 'team-a']) =>
  judgeOrganizationRules(makeOrganization('acme', spec), namespaces, nowMs, isListed);

const isListed = await loadModelList();
const unmatched: readonly (readonly [string, Partial<OrganizationSpec>, RegExp | undefined])[] = [
  ['every call', { limits: [limit({})] }, undefined],
  ['a known model, where every model is allowed', { limits: [limit({ models: ['gpt-4o', 'o*'] })] }, undefined],
  [
    'a model that nobody knows',
    { limits: [limit({ models: ['gpt-4o', 'gtp-*'] })] },
    /limit one, models "gtp-\*" \(neither the price list nor spec\.prices nor a provider names it\)/,
  ],
  ['a fine-tuned model', { limits: [limit({ models: ['ft:gpt-4o:acme::1'] })] }, undefined],
  ['a model that no price list has', { limits: [limit({ models: ['omni-moderation-*'] })] }, undefined],
  [
    'a model that is not allowed',
    { models: { allow: ['gpt-4o*'] }, limits: [limit({ models: ['gpt-4o-mini', 'o3'] })] },
    /limit one, models "o3" \(spec\.models does not allow it\)/,
  ],
  [
    'models of which none is allowed',
    { models: { allow: ['gpt-4o*'] }, limits: [limit({ models: ['o*'] })] },
    /models "o\*" \(spec\.models does not allow it\)/,
  ],
  ['models of which some are', { models: { allow: ['o3'] }, limits: [limit({ models: ['o*'] })] }, undefined],
  [
    'models that are denied',
    { models: { deny: ['o*'] }, limits: [limit({ models: ['o3-*'] })] },
    /models "o3-\*" \(spec\.models/,
  ],
  [
    'a model that no provider serves',
    {
      providers: [
        { name: 'a', type: 'openai', models: [{ name: 'gpt-*' }], timeouts: { headers: '1s', idle: '1s' } },
      ] as unknown as OrganizationSpec['providers'],
      limits: [limit({ models: ['o3'] })],
    },
    /models "o3" \(no provider serves it\)/,
  ],
  [
    'an operation that is not served',
    { surfaces: ['chat'], limits: [limit({ operations: ['chat', 'speech'] })] },
    /operations "speech" \(spec\.surfaces lacks audio\)/,
  ],
  ['an operation, where all are served', { limits: [limit({ operations: ['speech'] })] }, undefined],
  ['some user', { limits: [limit({ users: ['*@example.com', 'nobody'] })] }, undefined],
  [
    'a service account of a stranger',
    { limits: [limit({ users: ['system:serviceaccount:elsewhere:*'] })] },
    /users "system:serviceaccount:elsewhere:\*" \(namespace elsewhere is not a member\)/,
  ],
  [
    'service accounts of members',
    { limits: [limit({ users: ['system:serviceaccount:team-*:job', 'system:serviceaccount:shop:web'] })] },
    undefined,
  ],
  [
    'workloads of members',
    { limits: [limit({ workloads: ['shop', 'shop/web', 'team-*', 'team-*/*', '*', 'sho*'] })] },
    undefined,
  ],
  [
    'workloads of strangers',
    { limits: [limit({ workloads: ['shops', 'lab-*/web'] })] },
    /workloads "shops" \(no namespace that may call is shops\); limit one, workloads "lab-\*\/web"/,
  ],
  [
    'a tier of service accounts of a stranger',
    { tiers: [{ users: ['system:serviceaccount:elsewhere:job'], tier: 'free' }] },
    /tier free, users "system:serviceaccount:elsewhere:job" \(namespace elsewhere is not a member\)/,
  ],
  [
    'users whom an earlier tier names',
    {
      tiers: [
        { users: ['*@example.com'], tier: 'starter' },
        { users: ['ada@example.com', '*'], tier: 'free' },
      ],
    },
    /^[^;]*tier free, users "ada@example\.com" \(an earlier entry of tiers names them\)\. /,
  ],
];
for (const [name, spec, says] of unmatched) {
  test(`a rule for ${name}`, () => {
    const { verdict } = judge(spec);
    assert.equal(verdict?.type, 'RulesEffective');
    assert.deepEqual([verdict.status, verdict.reason], says ? [false, 'RuleMatchesNothing'] : [true, 'Effective']);
    if (says) assert.match(verdict.message, says);
  });
}

test('an organization without rules has no condition about them, unless it had one', () => {
  assert.equal(judge({}).verdict, undefined);
  const condition = { type: 'RulesEffective', status: 'False', reason: 'RaiseEnded', message: 'x' } as const;
  const conditions = [{ ...condition, lastTransitionTime: '2026-01-01T00:00:00Z' }];
  const former = makeOrganization('acme', {}, { status: { conditions } });
  assert.equal(judgeOrganizationRules(former, [], nowMs, isListed).verdict?.status, true);
});

test('a raise that has ended is told of, as soon as it ends', () => {
  const until = (time: string) => judge({ budgets: [budget({ byUsd: '5', until: time, reason: 'x' })] });
  const ahead = until('2026-06-15T12:00:10Z');
  assert.deepEqual([ahead.verdict?.status, ahead.nextMs], [true, 10_000]);
  const ended = until('2026-06-15T12:00:00Z');
  assert.deepEqual([ended.verdict?.reason, ended.nextMs], ['RaiseEnded', undefined]);
  assert.match(ended.verdict?.message ?? '', /month \(until 2026-06-15T12:00:00Z\)/);
});

const ofBinding = (spec: Partial<ApiKeyBinding['spec']>, organization: Partial<OrganizationSpec> = {}) =>
  judgeBindingRules(makeBinding('shop/key', spec), makeOrganization('acme', organization), ['shop'], nowMs, isListed)
    .verdict;
const key = (match: Match, name = 'one') => ({ ...limit(match, name), per: 'Key' as const });

test('a rule of a binding is for calls with its key alone', () => {
  assert.equal(ofBinding({}), undefined);
  const table: readonly (readonly [Partial<ApiKeyBinding['spec']>, RegExp | undefined])[] = [
    [{ limits: [key({ workloads: ['shop/*'] })] }, undefined],
    [{ limits: [key({ workloads: ['team-a'] })] }, /workloads "team-a"/],
    [{ user: 'ada', limits: [key({ users: ['a*'] })] }, undefined],
    [{ user: 'ada', limits: [key({ users: ['bob'] })] }, /users "bob" \(the binding is for user "ada"\)/],
    [{ models: ['gpt-*'], limits: [key({ models: ['o3'] })] }, /models "o3" \(the binding is for other models\)/],
    [{ models: ['gpt-*'], limits: [key({ models: ['*-mini'] })] }, undefined],
  ];
  for (const [spec, says] of table) {
    const verdict = ofBinding(spec);
    assert.equal(verdict?.status, says === undefined, JSON.stringify(spec));
    if (says) assert.match(verdict?.message ?? '', says);
  }
});

test('a rule of a binding has a name of its own', () => {
  const verdict = ofBinding({ limits: [key({})], budgets: [{ ...budget(), per: 'Key' }] }, { limits: [limit({})] });
  assert.equal(verdict?.reason, 'RuleNameTaken');
  assert.match(verdict.message, /limits one\. All of them are in force/);
  assert.equal(ofBinding({ limits: [key({})] }, { budgets: [budget(undefined, 'one')] })?.status, true);
});
