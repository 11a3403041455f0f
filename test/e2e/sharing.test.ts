import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { Client } from 'pg';
import { atEnd } from '../scope.ts';
import { openableKeys } from '../sealed-keys.ts';
import { until } from '../until.ts';
import {
  apply,
  bindingsOf,
  call,
  getJson,
  kubectl,
  makeTenant,
  query,
  skip,
  startWorkload,
  withService,
} from './cluster.ts';

suite('pods of two namespaces', { skip }, () => {
  test('call with their own namespace’s key, and cannot open the other’s', async (t) => {
    const { name, organizationId } = await makeTenant(t);
    await kubectl('patch', 'organization', name, '--type=merge', '--patch={"spec": {"sharing": []}}');
    await kubectl('wait', '-n', name, '--for=condition=Ready=false', 'apikeybinding/alice', '--timeout=180s');
    const other = `${name}-other`;
    atEnd(t, async () => {
      await kubectl('delete', 'apikeybindings', '--all', '--namespace', other, '--timeout=180s');
      await kubectl('delete', 'namespace', other, '--wait=false');
    });
    const [, shared = {}] = bindingsOf(name);
    const workload = await getJson<{ data: object }>('configmap', 'workload', '--namespace', name);
    await apply(
      other,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: other, labels: { 'example.com/tenant': name } } },
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'openai' }, stringData: { key: 'sk-other' } },
      shared,
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'workload' }, data: workload.data },
    );
    await kubectl('wait', '-n', other, '--for=condition=Ready', 'apikeybinding/shared', '--timeout=180s');
    const bindings = await kubectl('get', 'apikeybinding', 'alice', 'shared', '-n', name);
    assert.match(bindings, /SERVES/);
    assert.match(bindings, /alice +False +ConsentMissing/);
    await until(() => hasCredentials(name, other), 'the credentials of both');

    const opened = await Promise.all([name, other].map(openableIn));
    assert.deepEqual(opened, [['sk-sandbox'], ['sk-other']]);
    for (const namespace of [name, other]) {
      await startWorkload(namespace);
      const answer = await call(namespace, {});
      assert.ok(answer.id, JSON.stringify(answer));
    }
    const used = await until(async () => {
      const rows = await query<{ namespace: string; resource: string }>(
        `select r.namespace, k.resource from chaperone.requests r
           join chaperone.api_keys k using (organization_id, api_key_id)
         where r.organization_id = $1 order by 1`,
        [organizationId],
      );
      return rows.length === 2 && rows;
    }, 'the records of both calls');
    assert.deepEqual(
      used.map(({ namespace, resource }) => [namespace, resource]),
      [name, other].map((namespace) => [namespace, `${namespace}/shared`]),
    );
  });
});

async function hasCredentials(organization: string, namespace: string): Promise<boolean> {
  const found = await kubectl('get', 'secret', `chaperone-${organization}`, '-n', namespace, '--ignore-not-found');
  return found !== '';
}

/** The provider keys that open with all files of a namespace's Secret, and its login. */
async function openableIn(namespace: string): Promise<string[]> {
  const organization = namespace.replace(/-other$/, '');
  const { data } = await getJson<{ data: Record<string, string> }>(
    ...['secret', `chaperone-${organization}`, '--namespace', namespace],
  );
  const files = Object.values(data).map((text) => Buffer.from(text, 'base64').toString());
  const url = new URL(Buffer.from(data['database-url'] ?? '', 'base64').toString());
  return withService('chaperone-database', 5432, async (port) => {
    url.host = `127.0.0.1:${port}`;
    const login = new Client({ connectionString: url.href });
    await login.connect();
    return openableKeys(login, files).finally(() => login.end());
  });
}
