import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OrganizationSpec } from '../../../crds/resources.generated.ts';
import { loadModelList } from '../../../operator/known-models.ts';
import { judgeRoutes } from '../../../operator/organizations/routes.ts';

type Providers = OrganizationSpec['providers'];

function openai(changes: Partial<Providers[number]> = {}): Providers[number] {
  return { name: 'openai', type: 'openai', timeouts: { headers: '600s', idle: '120s' }, ...changes };
}

const one: Providers = [openai()];
const two: Providers = [...one, openai({ name: 'spare' })];
const renaming: Providers = [openai({ models: [{ name: 'gpt-4o', as: 'mine' }] })];

const isListed = await loadModelList();
const cases: readonly (readonly [
  string,
  Pick<OrganizationSpec, 'providers' | 'models'>,
  string[],
  string | undefined,
  RegExp,
])[] = [
  ['nothing of one plain provider', { providers: one }, [], undefined, /^$/],
  ['that all have keys', { providers: two }, ['openai', 'spare'], 'Complete', /Every provider has a key/],
  ['a provider without a key', { providers: two }, ['openai'], 'ProviderWithoutKey', /^No call reaches "spare"/],
  [
    'a model that is refused',
    { providers: renaming, models: { allow: ['o4-*'] } },
    ['openai'],
    'ProviderModelNotAllowed',
    /"openai: gpt-4o"/,
  ],
  [
    'a model that its vendor does not have',
    { providers: [openai({ models: [{ name: 'fast', as: 'gtp-4o' }] })] },
    ['openai'],
    'ProviderModelUnknown',
    /"openai: gtp-4o"/,
  ],
  [
    'nothing of a vendor’s model by another address',
    { providers: [openai({ baseUrl: 'http://vllm/v1', models: [{ name: 'fast', as: 'gtp-4o' }] })] },
    ['openai'],
    'Complete',
    /may be called/,
  ],
  [
    'nothing of a pattern',
    { providers: [openai({ models: [{ name: 'gpt-*' }] })], models: { allow: ['o4-*'] } },
    ['openai'],
    'Complete',
    /may be called/,
  ],
];
for (const [what, spec, keyed, reason, message] of cases) {
  test(`the condition about routes tells ${what}`, () => {
    const verdict = judgeRoutes(spec, new Set(keyed), isListed);
    assert.equal(verdict?.reason, reason);
    assert.match(verdict?.message ?? '', message);
  });
}
