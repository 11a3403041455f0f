import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { until } from '../until.ts';
import {
  apply,
  call,
  getJson,
  kubectl,
  makeTenant,
  organizationOf,
  personaOf,
  query,
  skip,
  startWorkload,
} from './cluster.ts';

suite('an application with the unchanged OpenAI SDK', { skip, concurrency: 2 }, () => {
  test('gets answers through the proxy beside it, and its usage is recorded', async (t) => {
    const { name, organizationId } = await makeTenant(t);
    await startWorkload(name);
    const answer = await call(name, { input: 'Where is my parcel?' });
    assert.match(answer.text ?? '', /You said: Where is my parcel\?/, JSON.stringify(answer));
    const records = await until(async () => {
      const rows = await query<{ response_id: string; status: string; user_id: string }>(
        'select response_id, status, user_id from chaperone.requests where organization_id = $1',
        [organizationId],
      );
      return rows.length > 0 && rows;
    }, 'the record of the call');
    assert.deepEqual(
      records.map(({ response_id, status }) => ({ response_id, status })),
      [{ response_id: answer.id, status: 'completed' }],
    );
  });

  test('has no provider key, and only the sidecar has the credentials', async (t) => {
    const { name } = await makeTenant(t);
    await startWorkload(name);
    const { items } = await getJson<{ items: Pod[] }>('pods', '--namespace', name, '--selector=app=workload');
    const [pod] = items;
    const sidecar = pod?.spec.initContainers?.find((container) => container.name === 'chaperone-proxy');
    assert.equal(sidecar?.restartPolicy, 'Always');
    const [app] = pod?.spec.containers ?? [];
    assert.deepEqual(
      app?.volumeMounts.map((mount) => mount.name).filter((mount) => mount.startsWith('chaperone')),
      [],
    );
    const printEnvironment = ['node', '-p', 'JSON.stringify(process.env)'];
    const environment = await kubectl('exec', '-n', name, 'deploy/workload', '-c', 'app', '--', ...printEnvironment);
    const { OPENAI_API_KEY, OPENAI_BASE_URL } = JSON.parse(environment);
    assert.match(OPENAI_API_KEY, /^chp_/);
    assert.equal(OPENAI_BASE_URL, 'http://127.0.0.1:8000/v1');
    assert.doesNotMatch(environment, /sk-sandbox/);
  });

  test('with a key that is bound to a user calls as that user', async (t) => {
    const { name, organizationId } = await makeTenant(t);
    await startWorkload(name, { annotations: { 'chaperone.dev/binding': 'alice' } });
    const answer = await call(name, {}, { defaultHeaders: { 'X-User-ID': null } });
    assert.ok(answer.id, JSON.stringify(answer));
    const users = await until(async () => {
      const rows = await query<{ external_id: string }>(
        'select u.external_id from chaperone.requests r join chaperone.users u using (organization_id, user_id) where r.organization_id = $1',
        [organizationId],
      );
      return rows.length > 0 && rows;
    }, 'the record of the call');
    assert.deepEqual(users, [{ external_id: 'alice@example.com' }]);
  });

  test('follows an edit of the Persona, the Organization and the binding', async (t) => {
    const { name, personaId } = await makeTenant(t);
    await startWorkload(name);
    const instructed = { persona_id: personaId };
    assert.match((await call(name, instructed)).text ?? '', /Speak like a pirate/);

    await apply(name, personaOf(name, 'Speak like a poet.'));
    await until(async () => /like a poet/.test((await call(name, instructed)).text ?? ''), 'the new instructions');

    await apply(name, organizationOf(name, { models: { allow: ['gpt-4.1*'] } }));
    const refused = await until(async () => {
      const outcome = await call(name, {});
      return outcome.status !== undefined && outcome;
    }, 'the model to be refused');
    assert.equal(refused.status, 403, JSON.stringify(refused));
    assert.ok((await call(name, { model: 'gpt-4.1' })).id);

    await kubectl('delete', 'apikeybinding', 'shared', '--namespace', name, '--timeout=180s');
    await until(async () => (await call(name, { model: 'gpt-4.1' })).status === 403, 'the key to be refused');
  });

  test('loses its credentials when its namespace leaves the organization, and gets them back with it', async (t) => {
    const { name } = await makeTenant(t);
    const exists = async () =>
      (await kubectl('get', 'secret', '-n', name, `chaperone-${name}`, '--ignore-not-found', '-o=name')) !== '';
    assert.equal(await exists(), true);
    await kubectl('label', 'namespace', name, 'example.com/tenant-');
    await until(async () => !(await exists()), 'the credentials to go');
    const reasonOf = () =>
      kubectl('get', 'persona', 'agent', '-n', name, '-o=jsonpath={.status.conditions[?(@.type=="Ready")].reason}');
    await until(async () => (await reasonOf()) === 'NamespaceNotMember', 'the Persona to say so');
    await kubectl('label', 'namespace', name, `example.com/tenant=${name}`);
    await until(exists, 'the credentials to be back');
    await kubectl('wait', '-n', name, '--for=condition=Ready', 'persona/agent', '--timeout=180s');
  });
});

interface Pod {
  readonly spec: {
    readonly containers: readonly { readonly volumeMounts: readonly { readonly name: string }[] }[];
    readonly initContainers?: readonly { readonly name: string; readonly restartPolicy?: string }[];
  };
}
