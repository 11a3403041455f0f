import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { atEnd } from '../scope.ts';
import { until } from '../until.ts';
import { type ApiServer, startApiServer } from './api-server.ts';
import { assets, kubeConfigOf, startServerWithKinds } from './cluster-under-test.ts';
import { installDefinitions } from './installation.ts';

const kubectlPath = join(assets ?? '', 'kubectl');
const skip =
  assets !== undefined && existsSync(kubectlPath)
    ? false
    : 'needs a kubectl in the folder that KUBEBUILDER_ASSETS names';

const objects = [
  [
    '/apis/chaperone.dev/v1alpha1/organizations',
    'Organization',
    'acme',
    { namespaceSelector: {}, providers: [{ name: 'openai', type: 'openai' }] },
  ],
  [
    '/apis/chaperone.dev/v1alpha1/namespaces/default/personas',
    'Persona',
    'support',
    { organizationRef: { name: 'acme' }, name: 'Support', content: 'Be kind.' },
  ],
  [
    '/apis/chaperone.dev/v1alpha1/namespaces/default/apikeybindings',
    'ApiKeyBinding',
    'openai',
    { organizationRef: { name: 'acme' }, provider: 'openai', secretKeyRef: { name: 'openai', key: 'key' } },
  ],
  [
    '/apis/chaperone.dev/v1alpha1/namespaces/default/analysisconfigs',
    'AnalysisConfig',
    'intent',
    {
      organizationRef: { name: 'acme' },
      name: 'Intent',
      config: { analysis_type: 'intent', categories: [{ name: 'billing' }] },
    },
  ],
] as const;

const everyKind = [
  'analysisconfig.chaperone.dev/intent',
  'apikeybinding.chaperone.dev/openai',
  'organization.chaperone.dev/acme',
  'persona.chaperone.dev/support',
];

describe('kubectl get chaperone', { skip }, () => {
  test('shows every kind', async (t) => {
    const server = await startServerWithKinds();
    atEnd(t, () => server.close());
    const kubectl = await makeKubectl(t, server);
    await createAll(server);
    assert.deepEqual(await kubectl('get', 'chaperone', '--output=name'), everyKind);
  });

  test('shows every kind, also to a user whose kubectl remembers a time without the kinds', async (t) => {
    assert(assets);
    const server = await startApiServer(assets);
    atEnd(t, () => server.close());
    const kubectl = await makeKubectl(t, server);
    await assert.rejects(() => kubectl('get', 'chaperone'), /the server doesn't have a resource type "chaperone"/);
    await installDefinitions(server);
    await createAll(server);
    // What there is to be had follows the definitions by a moment.
    const names = await until(
      () =>
        kubectl('get', 'chaperone', '--output=name').then(
          (all) => (all.length < 4 ? undefined : all),
          () => undefined,
        ),
      'kubectl to know the category',
    );
    assert.deepEqual(names, everyKind);
  });
});

async function createAll(server: ApiServer): Promise<void> {
  for (const [path, kind, name, spec] of objects) {
    const body = { apiVersion: 'chaperone.dev/v1alpha1', kind, metadata: { name }, spec };
    const answer = await server.request('POST', path, body);
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
  }
}

/** @returns kubectl with a memory of its own, whose lines it returns in order */
async function makeKubectl(t: TestContext, server: ApiServer): Promise<(...args: string[]) => Promise<string[]>> {
  const directory = await mkdtemp(join(tmpdir(), 'chaperone-kubectl-'));
  atEnd(t, () => rm(directory, { recursive: true }));
  const kubeconfig = join(directory, 'kubeconfig');
  await writeFile(kubeconfig, kubeConfigOf(server).exportConfig(), { mode: 0o600 });
  const own = ['--kubeconfig', kubeconfig, '--cache-dir', join(directory, 'cache')];
  return async (...args) => {
    const { stdout } = await promisify(execFile)(kubectlPath, [...own, ...args]);
    return stdout.trim().split('\n').sort();
  };
}
