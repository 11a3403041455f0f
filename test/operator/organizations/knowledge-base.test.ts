import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OrganizationSpec } from '../../../crds/resources.generated.ts';
import { loadModelList } from '../../../operator/known-models.ts';
import { judgeKnowledgeBase } from '../../../operator/organizations/knowledge-base.ts';

type Spec = Parameters<typeof judgeKnowledgeBase>[0];
type Provider = OrganizationSpec['providers'][number];

const isListed = await loadModelList();
const provider = (type: Provider['type'], ...models: string[]) =>
  ({
    ...{ name: 'a', type },
    ...(models.length > 0 && { models: models.map((name) => ({ name })) }),
  }) as Provider;
const spec = (more: Partial<Spec> = {}): Spec => ({
  providers: [provider('openai')],
  knowledgeBase: { embedding: { model: 'text-embedding-3-small' } },
  ...more,
});

const cases: readonly (readonly [title: string, spec: Spec, said: RegExp | undefined])[] = [
  ['a served model', spec(), undefined],
  ['a model by a pattern', spec({ providers: [provider('openai', 'text-embedding-*')] }), undefined],
  ['a model that is not allowed', spec({ models: { allow: ['gpt-4o'] } }), /spec\.models does not allow it/],
  ['a model that nobody serves', spec({ providers: [provider('openai', 'gpt-4o')] }), /no provider serves it/],
  ['a provider without embeddings', spec({ providers: [provider('anthropic')] }), /no provider that serves it has/],
  ['an API that is not served', spec({ surfaces: ['chat'] }), /spec\.surfaces lacks embeddings/],
  [
    'an alias',
    spec({ models: { aliases: [{ name: 'text-embedding-3-small', model: 'text-embedding-3-large' }] } }),
    /it is an alias/,
  ],
];
for (const [title, judged, said] of cases) {
  test(`${title}: ${said ?? 'effective'}`, () => {
    const verdict = judgeKnowledgeBase(judged, [], undefined, isListed);
    assert.equal(verdict?.status, said === undefined);
    if (said) assert.match(verdict?.message ?? '', said);
  });
}

test('an organization that never named a model has no condition', () => {
  const { knowledgeBase: _, ...without } = spec();
  assert.equal(judgeKnowledgeBase(without, [], undefined, isListed), undefined);
  const type = 'KnowledgeBaseEffective';
  const before = [{ type, status: 'False' as const, reason: 'x', message: '', lastTransitionTime: '' }];
  assert.equal(judgeKnowledgeBase(without, [], before, isListed)?.reason, 'Effective');
});
