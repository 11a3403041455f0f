import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeNearest } from '../../../proxy/http/nearest.ts';
import { surfaceTable } from '../../../proxy/surfaces/table.ts';

/** Surfaces that share a prefix, as the contracts have them. */
const nearest = makeNearest([
  { name: 'openai', paths: ['/v1'] },
  { name: 'governance', paths: ['/v1/personas', '/v1/responses/:id/rate'] },
  { name: 'docs', paths: ['/', '/docs'] },
  { name: 'speech', paths: ['/api/v1/sessions', '/api/v1/feedback'] },
  { name: 'support', paths: ['/api/v1/conversations', '/api/v1/analytics'] },
  { name: 'insights', paths: ['/api/v1/analytics/summary', '/api/v1/ai'] },
  { name: 'analyses', paths: ['/api/analyses'] },
]);

const cases: readonly (readonly [url: string, name: string, isWithin: boolean])[] = [
  ['/v1', 'openai', true],
  ['/v1/models', 'openai', true],
  ['/v1/personas', 'governance', true],
  ['/v1/personas/1?limit=2', 'governance', true],
  ['/v1/personas/', 'governance', true],
  ['/v1/%70ersonas', 'governance', true],
  ['/v1/personasx', 'openai', true],
  ['/v1/responses/resp_1', 'openai', true],
  ['/v1/responses/resp_1/rate', 'governance', true],
  ['/v1/responses/a%2Fb/rate', 'governance', true],
  ['/v1/responses/resp_1/cancel', 'openai', true],
  ['/', 'docs', true],
  ['/?from=here', 'docs', true],
  ['/docs/swagger-ui.css', 'docs', true],
  ['/api/v1/sessions/1/costs', 'speech', true],
  ['/api/v1/analytics', 'support', true],
  ['/api/v1/analytics/other', 'support', true],
  ['/api/v1/analytics/summary', 'insights', true],
  ['/api/v1/analytics/summary?granularity=daily', 'insights', true],
  ['/api/v1/unknown', 'speech', false],
  ['/api/v1', 'speech', false],
  ['/api/analyses/1/main', 'analyses', true],
  ['/api/unknown', 'speech', false],
  ['/unknown', 'openai', false],
  ['/v2/models', 'openai', false],
  ['', 'openai', false],
  ['*', 'openai', false],
  ['http://proxy.example/api/v1/ai/generate', 'insights', true],
  ['/api/v1/ai/%', 'insights', true],
];
for (const [url, name, isWithin] of cases) {
  test(`${url || 'no URL'} ${isWithin ? 'is within' : 'is nearest to'} ${name}`, () => {
    const found = nearest(url);
    assert.deepEqual([found.surface.name, found.isWithin], [name, isWithin]);
  });
}

test('no two surfaces of the table have a path in common', () => {
  const paths = surfaceTable.flatMap((surface) => surface.paths);
  assert.deepEqual(paths.length, new Set(paths).size);
  for (const surface of surfaceTable) {
    for (const path of surface.paths) assert.equal(makeNearest(surfaceTable)(path).surface.name, surface.name, path);
  }
});
