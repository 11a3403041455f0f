import assert from 'node:assert/strict';
import { test } from 'node:test';
import { placeAtAzure } from '../../../../proxy/providers/azure/place.ts';
import { azureBasePath, azureSettingsOf } from '../../../../proxy/snapshot/azure-settings.ts';

const dated = '2024-10-21';
const table: readonly (readonly [string | undefined, string, string | undefined, string])[] = [
  [undefined, '/chat/completions', 'prod', '/v1/chat/completions'],
  [undefined, '/responses/resp_1?stream=true', undefined, '/v1/responses/resp_1?stream=true'],
  ['preview', '/chat/completions', 'prod', '/v1/chat/completions?api-version=preview'],
  ['latest', '/files?limit=2', undefined, '/v1/files?limit=2&api-version=latest'],
  [dated, '/chat/completions', 'prod', '/deployments/prod/chat/completions?api-version=2024-10-21'],
  [dated, '/embeddings', 'a/b c', '/deployments/a%2Fb%20c/embeddings?api-version=2024-10-21'],
  ['2025-04-01-preview', '/images/edits', 'art', '/deployments/art/images/edits?api-version=2025-04-01-preview'],
  // The v1 API has no dated versions.
  [dated, '/responses', 'prod', '/v1/responses'],
  [dated, '/batches', undefined, '/v1/batches'],
  [dated, '/files?limit=2', undefined, '/v1/files?limit=2'],
];
for (const [version, path, deployment, place] of table) {
  test(`${path} of ${deployment} in version ${version} is at ${place}`, () => {
    assert.equal(placeAtAzure(version, path, deployment), place);
  });
}

for (const [stated, path] of [
  ['/', '/openai'],
  ['/openai', '/openai'],
  ['/openai/', '/openai'],
  ['/openai/v1/', '/openai'],
  ['/team/azure', '/team/azure/openai'],
  ['/myopenai', '/myopenai/openai'],
] as const) {
  test(`a resource at ${stated} is asked below ${path}`, () => assert.equal(azureBasePath(stated), path));
}

test('the deployments of a provider are those that its models name', () => {
  const models = [{ name: 'gpt-4o', as: 'prod' }, { name: 'gpt-*' }, { name: 'o3' }, { name: 'o3-mini', as: 'prod' }];
  assert.deepEqual(azureSettingsOf({ apiVersion: dated, models }), {
    apiVersion: dated,
    usesTokens: false,
    tokenFile: undefined,
    identity: undefined,
    deployments: ['prod', 'o3'],
  });
  assert.equal(azureSettingsOf({ entra: {} }).usesTokens, true);
});
