import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OrganizationSpec } from '../../../crds/resources.generated.ts';
import { judgeCache } from '../../../operator/organizations/cache.ts';

type Spec = Pick<OrganizationSpec, 'cache' | 'models' | 'surfaces'>;

/** A provider that may have any model. */
const providers: OrganizationSpec['providers'] = [
  { name: 'own', type: 'compatible', timeouts: { headers: '1s', idle: '1s' } },
];
const scopeOf = (spec: Spec) => ({ spec: { providers, ...spec }, namespaces: ['shop'], isListed: () => false });
type Cache = NonNullable<Spec['cache']>;

const cache = (match?: Cache['match']): Cache => ({
  ...{ scope: 'User', ttl: '1h', maxBytes: 1_048_576, maxEntryBytes: 1_048_576 },
  ...(match && { match }),
});

const cases: readonly (readonly [title: string, spec: Spec, reason: string | undefined])[] = [
  ['no cache', {}, undefined],
  ['a cache for every call', { cache: cache() }, 'Effective'],
  ['a cache for allowed models', { cache: cache({ models: ['b'] }), models: { allow: ['b'] } }, 'Effective'],
  ['a pattern', { cache: cache({ models: ['a*'] }), models: { allow: ['ab'] } }, 'Effective'],
  [
    'one model that is not allowed',
    { cache: cache({ models: ['a', 'b'] }), models: { allow: ['b'] } },
    'CacheMatchesNothing',
  ],
  ['a workload that may not call', { cache: cache({ workloads: ['other/*'] }) }, 'CacheMatchesNothing'],
  ['no allowed model', { cache: cache({ models: ['a'] }), models: { allow: ['b'] } }, 'CacheForNoCall'],
  ['a served operation', { cache: cache({ operations: ['chat'] }), surfaces: ['chat'] }, 'Effective'],
  ['no served operation', { cache: cache({ operations: ['chat'] }), surfaces: ['audio'] }, 'CacheForNoCall'],
];
for (const [title, spec, reason] of cases) {
  test(`${title}: ${reason}`, () => assert.equal(judgeCache(scopeOf(spec), undefined)?.reason, reason));
}

test('a cache that was removed is no longer told of as one', () => {
  const before = [
    { type: 'CacheEffective', status: 'False' as const, reason: 'CacheForNoCall', message: '', lastTransitionTime: '' },
  ];
  assert.equal(judgeCache(scopeOf({}), before)?.reason, 'Effective');
});
