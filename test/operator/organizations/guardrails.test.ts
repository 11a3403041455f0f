import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OrganizationSpec } from '../../../crds/resources.generated.ts';
import { judgeGuardrails } from '../../../operator/organizations/guardrails.ts';

type Rule = NonNullable<OrganizationSpec['guardrails']>[number];

type Spec = Parameters<typeof judgeGuardrails>[0];

function specOf(rules: readonly Partial<Rule>[], changes: Spec = {}): Spec {
  const guardrails = rules.map(
    (rule): Rule => ({ name: 'one', appliesTo: 'Both', action: 'Block', restore: false, ...rule }),
  );
  return { guardrails, ...changes };
}

test('an organization without guardrails has no condition about them, unless it had some', async () => {
  assert.equal(await judgeGuardrails(specOf([]), [], false), undefined);
  assert.equal((await judgeGuardrails(specOf([]), [], true))?.status, true);
});

test('guardrails that can be used are', async () => {
  const rules: Partial<Rule>[] = [
    { pii: {} },
    { secrets: {} },
    { patterns: { patterns: [{ pattern: 'T-\\d+' }] } },
    { injection: {} },
    { appliesTo: 'Output', schema: { schema: { type: 'object' } } },
    { external: { url: 'http://checks', timeout: '2s', onError: 'Block' } },
    { match: { models: ['gpt-4o', 'gpt-4o-*'] }, pii: {} },
  ];
  const verdict = await judgeGuardrails(specOf(rules, { models: { allow: ['gpt-4o*'] } }), [], false);
  assert.deepEqual([verdict?.status, verdict?.reason], [true, 'Usable']);
});

const faults: readonly (readonly [string, Partial<Rule>, reason: string, said: RegExp])[] = [
  [
    'a pattern that is none',
    { patterns: { patterns: [{ pattern: 'a' }, { pattern: '(' }] } },
    'GuardrailUnusable',
    /"one" \(patterns: patterns\[1\]\.pattern/,
  ],
  [
    'a pattern beyond RE2',
    { patterns: { patterns: [{ pattern: '(a)\\1' }] } },
    'GuardrailUnusable',
    /"one" \(patterns: patterns\[0\]\.pattern/,
  ],
  ['a kind of secret that there is not', { secrets: { kinds: ['diary'] } }, 'GuardrailUnusable', /kinds\[0\]/],
  ['a region that there is not', { pii: { phoneRegions: ['XX'] } }, 'GuardrailUnusable', /phoneRegions\[0\]/],
  [
    'a schema that is none',
    { appliesTo: 'Output', schema: { schema: { type: 'dance' } } },
    'GuardrailUnusable',
    /"one" \(schema: schema must be a JSON schema/,
  ],
  [
    'one model that is not allowed',
    { match: { models: ['gpt-4o', 'gpt-9'] }, pii: {} },
    'GuardrailMatchesNothing',
    /"one", models "gpt-9" \(spec\.models does not allow it\)/,
  ],
  [
    'a workload that may not call',
    { match: { workloads: ['lab/*'] }, pii: {} },
    'GuardrailMatchesNothing',
    /workloads "lab\/\*"/,
  ],
  ['models that are not allowed', { match: { models: ['o1'] }, pii: {} }, 'GuardrailForNoCall', /match\.models/],
  [
    'an API that is not served',
    { match: { operations: ['chat'] }, pii: {} },
    'GuardrailForNoCall',
    /match\.operations/,
  ],
  [
    'answers without text',
    { appliesTo: 'Output', match: { operations: ['embeddings'] }, pii: {} },
    'GuardrailForNoCall',
    /appliesTo/,
  ],
];

test('a guardrail that asks a moderation endpoint names the providers that have none', async () => {
  const providers = [
    { name: 'openai', type: 'openai' as const, models: [{ name: 'gpt-*' }] },
    { name: 'europe', type: 'azure' as const, models: [{ name: 'gpt-4o' }] },
    { name: 'claude', type: 'anthropic' as const, models: [{ name: 'claude-*' }] },
  ] as unknown as NonNullable<Spec['providers']>;
  const judge = (rule: Partial<Rule>) =>
    judgeGuardrails(specOf([{ moderation: { timeout: '2s' }, ...rule }], { providers }), [], false);
  const all = await judge({});
  assert.deepEqual([all?.status, all?.reason], [false, 'GuardrailWithoutService']);
  assert.match(
    all?.message ?? '',
    /"one" \(moderation: calls to "europe" \(azure\), "claude" \(anthropic\) do not pass\)/,
  );
  const reporting = await judge({ action: 'Report', match: { models: ['claude-*'] } });
  assert.match(reporting?.message ?? '', /calls to "claude" \(anthropic\) are not judged/);
  const narrow = await judge({ match: { models: ['gpt-5*'] } });
  assert.deepEqual([narrow?.status, narrow?.reason], [true, 'Usable']);
});

for (const [title, rule, reason, said] of faults) {
  test(`a guardrail with ${title} is named by the condition`, async () => {
    const spec = specOf([rule], { models: { allow: ['gpt-4o*'] }, surfaces: ['responses', 'embeddings'] });
    const verdict = await judgeGuardrails(spec, [], false);
    assert.deepEqual([verdict?.status, verdict?.reason], [false, reason]);
    assert.match(verdict?.message ?? '', said);
  });
}
