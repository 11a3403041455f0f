import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { createLocalJWKSet, jwtVerify } from 'jose';

import { makeDirectory } from '../directories.ts';
import { runCli } from '../run-cli.ts';
import { suiteScope } from '../scope.ts';

import { kubeConfigOf, skip } from './cluster-under-test.ts';
import { decode, organization } from './resources.ts';
import { governance, type Stage, setStage } from './stage.ts';

describe('chaperone token, with the rights of a kubeconfig', { skip }, () => {
  const scope = suiteScope();
  let stage: Stage;
  let kubeconfig: string;
  let directory: string;

  const token = (...args: string[]) =>
    runCli(['token', '--kubeconfig', kubeconfig, '--namespace', governance, ...args]);

  before(async () => {
    stage = await setStage(scope);
    directory = await makeDirectory(scope);
    kubeconfig = await writeConfig('admin', stage.server.token);
    await stage.startOperator();
    await stage.hands.create('Organization', 'acme', organization({ authentication: { tokenLifetime: '2h' } }));
    await stage.hands.untilReason('Organization', 'acme', 'Ready');
  });

  test('prints a token that the organization’s proxies accept', async () => {
    const { code, stdout, stderr } = await token(
      ...['--organization', 'acme', '--user', 'ada', '--roles', 'analyst', '--json'],
    );
    assert.deepEqual([code, stderr], [0, '']);
    const issued = JSON.parse(stdout);
    const secret = await stage.hands.find('Secret', 'web/chaperone-acme');
    const organizationId = (await stage.hands.find('Organization', 'acme'))?.status?.id;
    const keys = createLocalJWKSet(JSON.parse(decode(secret, 'jwks.json')));
    const { payload } = await jwtVerify(issued.token, keys, { audience: organizationId ?? '', issuer: 'chaperone' });
    assert.deepEqual([payload.sub, payload.roles, payload.jti], ['ada', ['analyst'], issued.id]);
    assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 7_200);
  });

  test('needs a right to the signing keys and to the Organization, and no other', async () => {
    const account = 'token-maker';
    const { client } = stage;
    const post = (path: string, body: object) =>
      client.send<{ status: { token: string } }>({ method: 'POST', path, body });
    await post(`/api/v1/namespaces/${governance}/serviceaccounts`, { metadata: { name: account } });
    const issued = await post(`/api/v1/namespaces/${governance}/serviceaccounts/${account}/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {},
    });
    const theirs = await writeConfig(account, issued.status.token);
    const attempt = () =>
      runCli(['token', '--kubeconfig', theirs, '--namespace', governance, '--organization', 'acme']);
    const refused = await attempt();
    assert.equal(refused.code, 1);
    assert.match(
      refused.stderr,
      /^chaperone: organizations\.chaperone\.dev "acme" is forbidden: User .*; docs\/kubernetes\.md lists the rights under "Tokens for people"/,
    );
    const rbac = '/apis/rbac.authorization.k8s.io/v1';
    const subjects = [{ kind: 'ServiceAccount', namespace: governance, name: account }];
    const roleRef = (kind: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind, name: account });
    const metadata = { name: account };
    const [organizations, secrets] = [
      [{ apiGroups: ['chaperone.dev'], resources: ['organizations'], resourceNames: ['acme'], verbs: ['get'] }],
      [{ apiGroups: [''], resources: ['secrets'], resourceNames: ['chaperone-acme-signing-keys'], verbs: ['get'] }],
    ];
    await post(`${rbac}/clusterroles`, { metadata, rules: organizations });
    await post(`${rbac}/clusterrolebindings`, { metadata, subjects, roleRef: roleRef('ClusterRole') });
    assert.match((await attempt()).stderr, /secrets "chaperone-acme-signing-keys" is forbidden/);
    await post(`${rbac}/namespaces/${governance}/roles`, { metadata, rules: secrets });
    await post(`${rbac}/namespaces/${governance}/rolebindings`, { metadata, subjects, roleRef: roleRef('Role') });
    const allowed = await attempt();
    assert.deepEqual([allowed.code, allowed.stderr], [0, '']);
    assert.match(allowed.stdout, /^eyJ[\w-]+\.[\w-]+\.[\w-]+\n$/);
  });

  test('says in a sentence what is missing', async () => {
    const unknown = await token('--organization', 'nobody');
    assert.deepEqual([unknown.code, unknown.stderr], [1, 'chaperone: The cluster has no Organization "nobody"\n']);
    const elsewhere = await runCli([
      ...['token', '--kubeconfig', kubeconfig, '--namespace', 'default', '--organization', 'acme'],
    ]);
    assert.match(elsewhere.stderr, /^chaperone: Namespace "default" has no signing keys of Organization "acme"\./);
    const usage = await runCli(['usage', '--kubeconfig', kubeconfig, '--namespace', governance]);
    assert.match(usage.stderr, /^chaperone: Namespace "governance" has no operator that is ready/);
    const nowhere = await runCli(['token', '--namespace', governance, '--organization', 'acme'], { HOME: directory });
    assert.match(nowhere.stderr, /^chaperone: There is no kubeconfig where kubectl looks for one: set KUBECONFIG/);
    const both = await token('--organization', 'acme', '--data', 'x');
    assert.match(both.stderr, /^chaperone: --data names a `chaperone up`/);
  });

  async function writeConfig(name: string, credential: string): Promise<string> {
    const file = join(directory, `${name}.json`);
    await writeFile(file, kubeConfigOf({ ...stage.server, token: credential }).exportConfig(), { mode: 0o600 });
    return file;
  }
});
