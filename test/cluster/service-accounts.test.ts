import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { makeSecretFiles } from '../../operator/cluster/directory/secret-files.ts';
import { makeServiceAccountIssuer } from '../../operator/cluster/kubernetes/service-account-issuer.ts';
import { startSandbox } from '../../sandbox/server.ts';
import { makeDirectory } from '../directories.ts';
import { startProxy } from '../proxy-process.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';

import { skip } from './cluster-under-test.ts';
import { binding, organization, secret } from './resources.ts';
import { type Stage, setStage } from './stage.ts';

/** Where the proxy is: the callers are elsewhere, and their namespaces come and go. */
const home = 'shop';

describe('tokens of service accounts', { skip }, () => {
  const scope = suiteScope();
  let stage: Stage;
  let baseUrl: string;

  before(async () => {
    stage = await setStage(scope);
    const { hands, client } = stage;
    await hands.create('Namespace', 'bank');
    await hands.create('Namespace', home, {}, { labels: { org: 'acme' } });
    await stage.startOperator({ serviceAccountIssuer: makeServiceAccountIssuer(client) });
    await hands.create('Organization', 'acme', organization({ authentication: { serviceAccounts: {} } }));
    await hands.create('Secret', 'web/openai', secret({ key: 'sk-sandbox' }));
    await hands.create('ApiKeyBinding', 'web/openai', binding());
    await hands.untilReason('Organization', 'acme', 'Ready');
    await hands.untilReason('ApiKeyBinding', 'web/openai', 'Ready');
    for (const place of ['web', 'bank']) {
      const path = `/api/v1/namespaces/${place}/serviceaccounts`;
      await client.send({ method: 'POST', path, body: { metadata: { name: 'caller' } } });
    }
    baseUrl = await startMountedProxy();
  });

  test('are accepted from member namespaces, and the caller is recorded', async () => {
    const token = await requestToken('web', ['chaperone.dev']);
    const answer = await ask(token);
    assert.equal(answer.status, 200, await answer.text());
    assert.equal((await ask(token, { 'x-user-id': 'ada' })).status, 200);
    const users = await until(async () => {
      const { rows } = await stage.db.query<{ external_id: string }>(
        'select external_id from chaperone.users join chaperone.requests using (organization_id, user_id)',
      );
      return rows.length >= 2 && rows.map(({ external_id }) => external_id).sort();
    }, 'the records of both calls');
    assert.deepEqual(users, ['ada', 'system:serviceaccount:web:caller']);
  });

  test('call as the users that the Organization lets workloads name, and as themselves', async () => {
    const token = await requestToken('web', ['chaperone.dev']);
    const state = (workloadUsers: readonly string[] | null) =>
      stage.hands.change('Organization', 'acme', { spec: { authentication: { workloadUsers } } });
    await state(['{namespace}-*']);
    await until(async () => (await ask(token, { 'x-user-id': 'bank-ada' })).status === 403, 'the rule to be in force');
    const refused = await ask(token, { 'x-user-id': 'bank-ada' });
    const { error } = (await refused.json()) as { error: { code: string; message: string } };
    assert.equal(error.code, 'user_not_allowed');
    assert.match(error.message, /^The organization does not let this workload .*workloadUsers .* namespace "web"$/);
    assert.equal((await ask(token, { 'x-user-id': 'web-ada' })).status, 200);
    assert.equal((await ask(token)).status, 200);
    assert.equal((await ask(token, { 'x-user-id': 'system:serviceaccount:web:caller' })).status, 200);
    const callsAs = async () => (await stage.hands.find('ApiKeyBinding', 'web/openai'))?.status?.callsAs;
    assert.deepEqual(await until(async () => (await callsAs())?.[0] !== '*' && callsAs(), 'the status'), ['web-*']);
    await state(null);
    await until(async () => (await ask(token, { 'x-user-id': 'bank-ada' })).status === 200, 'the rule to be gone');
    assert.deepEqual(await until(async () => (await callsAs())?.[0] === '*' && callsAs(), 'the status'), ['*']);
  });

  test('are refused from another namespace, or for another audience', async () => {
    assert.equal((await ask(await requestToken('bank', ['chaperone.dev']))).status, 401);
    assert.equal((await ask(await requestToken('web', []))).status, 401, "the API server's own");
    assert.equal((await ask(await requestToken('web', ['elsewhere']))).status, 401);
  });

  test('are refused once their namespace has left, or the organization accepts none', async () => {
    const token = await requestToken('web', ['chaperone.dev']);
    assert.equal((await ask(token)).status, 200);
    await stage.hands.change('Organization', 'acme', { spec: { authentication: { serviceAccounts: null } } });
    await until(async () => (await ask(token)).status === 401, 'the token to be refused');
    const credentials = await stage.hands.find('Secret', `${home}/chaperone-acme`);
    assert.ok(credentials?.data && !('service-accounts.json' in credentials.data));

    await stage.hands.change('Organization', 'acme', { spec: { authentication: { serviceAccounts: {} } } });
    await until(async () => (await ask(token)).status === 200, 'the token to be accepted again');
    await stage.hands.change('Namespace', 'web', { metadata: { labels: { org: null } } });
    await until(async () => (await ask(token)).status === 401, 'the namespace to have left');
  });

  /** By the API server's TokenRequest, as kubelets do it for projected volumes. */
  async function requestToken(namespace: string, audiences: readonly string[]): Promise<string> {
    const { status } = await stage.client.send<{ status: { token: string } }>({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/serviceaccounts/caller/token`,
      body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences } },
    });
    return status.token;
  }

  function ask(token: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return fetch(`${baseUrl}/responses`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model: 'gpt-4o-mini', input: 'Hello!' }),
    });
  }

  /** Starts a proxy with the Secret of its namespace mounted, as a kubelet does. @returns the URL of its API */
  async function startMountedProxy(): Promise<string> {
    const directory = await makeDirectory(scope);
    const sandbox = await startSandbox();
    scope.after(sandbox.close);
    await mount(directory);
    const proxy = await startProxy(scope, {
      credentialsDirectory: join(directory, home, 'chaperone-acme'),
      upstreamUrl: sandbox.url,
    });
    return `http://127.0.0.1:${proxy.port}/v1`;
  }

  /** Has the files follow the Secret until the end of the suite. */
  async function mount(directory: string): Promise<void> {
    const files = makeSecretFiles(directory);
    let known = '';
    const copy = async () => {
      const { data = {} } = (await stage.hands.find('Secret', `${home}/chaperone-acme`)) ?? {};
      if (known === JSON.stringify(data)) return;
      known = JSON.stringify(data);
      const content = Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64')] as const);
      await files.write(home, 'chaperone-acme', Object.fromEntries(content));
    };
    await copy();
    let copying = Promise.resolve();
    const timer = setInterval(() => {
      copying = copying.then(copy);
    }, 100);
    scope.after(async () => {
      clearInterval(timer);
      await copying;
    });
  }
});
