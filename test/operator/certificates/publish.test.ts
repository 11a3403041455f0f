import assert from 'node:assert/strict';
import { test } from 'node:test';
import { publishBundle } from '../../../operator/certificates/publish.ts';
import type { ApiClient, ApiRequest } from '../../../operator/cluster/kubernetes/api-client.ts';

const configuration = { kind: 'mutatingwebhookconfigurations', name: 'chaperone' } as const;

/** @returns the methods of what was asked of an API server that has a configuration with these annotations */
async function publish(annotations: Record<string, string> | undefined): Promise<string[]> {
  const asked: ApiRequest[] = [];
  const found = { metadata: { annotations }, webhooks: [{ name: 'pod', clientConfig: { caBundle: 'T1RIRVI=' } }] };
  const client = {
    send: async (request: ApiRequest) => {
      asked.push(request);
      return found;
    },
  } as Pick<ApiClient, 'send'>;
  await publishBundle(client, configuration, 'OURS');
  return asked.map(({ method }) => method);
}

for (const [title, annotations, methods] of [
  ['of the operator’s', { 'chaperone.dev/certificate-source': 'Operator' }, ['GET', 'PATCH']],
  ['of a chart that did not say', undefined, ['GET', 'PATCH']],
  ['of a Secret of somebody else’s', { 'chaperone.dev/certificate-source': 'Secret' }, ['GET']],
  ['of cert-manager’s', { 'chaperone.dev/certificate-source': 'CertManager' }, ['GET']],
] as const) {
  test(`a bundle ${title} is ${methods.length === 2 ? 'published' : 'left alone'}`, async () => {
    assert.deepEqual(await publish(annotations), methods);
  });
}
