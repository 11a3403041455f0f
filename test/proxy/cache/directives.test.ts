import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readDirectives } from '../../../proxy/cache/directives.ts';

const never = { noStore: false, noCache: false, onlyIfCached: false, maxAgeMs: Number.POSITIVE_INFINITY };

const cases: readonly (readonly [header: string | undefined, said: Partial<typeof never>])[] = [
  [undefined, {}],
  ['', {}],
  ['no-store', { noStore: true }],
  ['No-Cache', { noCache: true }],
  ['no-cache, no-store', { noCache: true, noStore: true }],
  ['only-if-cached,max-age=60', { onlyIfCached: true, maxAgeMs: 60_000 }],
  ['max-age="5"', { maxAgeMs: 5_000 }],
  ['max-age=0', { maxAgeMs: 0 }],
  ['max-age=9, max-age=3', { maxAgeMs: 3_000 }],
  ['max-age', { maxAgeMs: 0 }],
  ['max-age=soon', { maxAgeMs: 0 }],
  ['max-age=-1', { maxAgeMs: 0 }],
  ['private, x-no-store, max-stale=9', {}],
];
for (const [header, said] of cases) {
  test(`Cache-Control: ${header}`, () => assert.deepEqual(readDirectives(header), { ...never, ...said }));
}
