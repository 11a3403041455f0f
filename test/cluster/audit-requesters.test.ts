import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Registry } from 'prom-client';
import { Agent, fetch } from 'undici';
import { parseAllDocuments } from 'yaml';
import { readChain, readPeople } from '../../database/audit/read.ts';
import type { ResourceRequest } from '../../database/audit/requests.ts';
import { showEntries } from '../../database/audit/show.ts';
import { openRequestStore, type RequestStore } from '../../operator/audit/request-store.ts';
import { defaultCertificatePolicy } from '../../operator/certificates/decide.ts';
import { startCertificateManager } from '../../operator/certificates/manage.ts';
import { certificateFromSecret } from '../../operator/certificates/source.ts';
import { startPathPublisher } from '../../operator/injection/publish-paths.ts';
import { defaultSidecar } from '../../operator/injection/settings.ts';
import { type Injection, startInjection } from '../../operator/injection/start.ts';
import { followWebhookKeys, openWebhookKey } from '../../operator/injection/webhook-key.ts';
import { freePort } from '../free-port.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { log, skip } from './cluster-under-test.ts';
import { organization, persona } from './resources.ts';
import { governance, type RunningOperator, type Stage, setStage } from './stage.ts';

const collector = 'system:serviceaccount:kube-system:generic-garbage-collector';
const personas = '/apis/chaperone.dev/v1alpha1/namespaces/web/personas';
const configurations = [{ kind: 'validatingwebhookconfigurations', name: 'requesters' }] as const;

describe('who asks an API server for a change of a resource', { skip }, () => {
  const scope = suiteScope();
  const kept: ResourceRequest[] = [];
  let stage: Stage;
  let operator: RunningOperator;
  let store: RequestStore;
  let injection: Injection;
  let dispatcher: Agent;
  let id: string;

  /** `kubectl --as`. */
  const send = async (user: string, method: string, path: string, body?: object, type = 'application/json') => {
    const response = await fetch(`${stage.server.url}${path}`, {
      ...{ method, dispatcher, body: body === undefined ? null : JSON.stringify(body) },
      headers: {
        authorization: `Bearer ${stage.server.token}`,
        'content-type': type,
        ...(user !== 'admin' && { 'impersonate-user': user, 'impersonate-group': 'system:masters' }),
      },
    });
    const answer = await response.text();
    assert.ok(response.ok, answer);
  };
  const create = (user: string, name: string, query = '', metadata = {}) => {
    const head = { apiVersion: 'chaperone.dev/v1alpha1', kind: 'Persona', metadata: { name, ...metadata } };
    return send(user, 'POST', `${personas}${query}`, { ...head, ...persona({ name }) });
  };
  const change = (user: string, name: string, body: object, path = '') =>
    send(user, 'PATCH', `${personas}/${name}${path}`, body, 'application/merge-patch+json');
  const remove = (user: string, name: string, query = '') => send(user, 'DELETE', `${personas}/${name}${query}`);
  /** The changes of a resource with who asked for them. Undefined: the log does not know of requesters. */
  const story = async (name: string) => {
    const entries = await showEntries(await readChain(stage.db, id, 0, 1_000), (people) =>
      readPeople(stage.db, id, people),
    );
    return entries
      .filter(({ fields }) => fields.subject === `Persona/web/${name}`)
      .map(({ fields }) => {
        const { requesters } = fields.actor as { requesters?: { user: string }[] };
        return [fields.action, ...(requesters?.map(({ user }) => user) ?? ['?'])].join(' ');
      });
  };
  const untilStory = (name: string, ...expected: string[]) =>
    until(async () => JSON.stringify(await story(name)) === JSON.stringify(expected), `${name}: ${expected}`).catch(
      async (error) => {
        assert.deepEqual(await story(name), expected);
        throw error;
      },
    );

  const startWebhook = async (port: number) => {
    const secret = { namespace: governance, name: 'requesters-tls' };
    const manager = startCertificateManager({
      ...{ cluster: operator.cluster, client: stage.client, secret, configurations, log, intervalMs: 100 },
      policy: { ...defaultCertificatePolicy, names: ['127.0.0.1'] },
    });
    scope.after(() => manager.stop());
    const key = await openWebhookKey({ client: stage.client, namespace: governance });
    const started = await startInjection({
      ...{ cluster: operator.cluster, client: stage.client, log, registry: new Registry(), host: '127.0.0.1', port },
      certificates: certificateFromSecret(operator.cluster, secret),
      keys: followWebhookKeys(operator.cluster, governance, key),
      settings: { ...defaultSidecar, operatorNamespace: governance, image: 'chaperone:test' },
      keepRequest: (request) => {
        kept.push(request);
        return store.keep(request);
      },
      ...{ instance: 'test', drained: async () => {} },
    });
    await until(() => started.notReady() === undefined);
    return started;
  };

  before(async () => {
    stage = await setStage(scope);
    dispatcher = new Agent({ connect: { ca: stage.server.ca } });
    scope.after(() => dispatcher.close());
    store = openRequestStore(stage.databaseUrl, log);
    scope.after(() => store.close());
    operator = await stage.startOperator();
    await stage.hands.create('Organization', 'acme', organization());
    id = (await stage.hands.untilReason('Organization', 'acme', 'Ready')).status?.id ?? '';
    const port = await freePort();
    await configure(stage, port);
    const paths = startPathPublisher({
      ...{ client: stage.client, namespace: governance, configurations, log, intervalMs: 100 },
    });
    scope.after(() => paths.stop());
    injection = await startWebhook(port);
    let probes = 0;
    await until(async () => {
      await create('admin', `probe-${probes++}`);
      return kept.length > 0;
    }, 'the API server to call the webhook');
  });
  after(() => injection?.stop());

  test('is in the log of each change, also of a deletion', async () => {
    const before = kept.length;
    await create('ada@example.com', 'told');
    await stage.hands.untilReason('Persona', 'web/told', 'Ready');
    await untilStory('told', 'created ada@example.com');
    await change('grace', 'told', { spec: { description: 'of grace' } });
    await untilStory('told', 'created ada@example.com', 'changed grace');
    // Neither is a change of what is asked for.
    await change('heidi', 'told', { metadata: { labels: { any: 'one' } } });
    await change('heidi', 'told', { status: { contentHash: 'other' } }, '/status');
    await remove(collector, 'told');
    await untilStory('told', 'created ada@example.com', 'changed grace', `deleted ${collector}`);
    const asked = kept.slice(before).map(({ operation, requester }) => `${operation} ${requester}`);
    // The API server may ask more than once about one request, where the object has changed meanwhile.
    assert.deepEqual([...new Set(asked)], ['CREATE ada@example.com', 'UPDATE grace', `DELETE ${collector}`]);
    const { rows } = await stage.db.query('select 1 from chaperone.resource_requests where uid = $1', [
      kept[before]?.uid,
    ]);
    assert.deepEqual(rows, [], 'what is in the log is kept nowhere else');
  });

  test('is a pseudonym in the log, unless it is a name of Kubernetes itself', async () => {
    await create('ada@example.com', 'secret-person');
    await untilStory('secret-person', 'created ada@example.com');
    await remove(collector, 'secret-person');
    await untilStory('secret-person', 'created ada@example.com', `deleted ${collector}`);
    const { rows } = await stage.db.query<{ entry: string }>('select entry from chaperone.audit_log');
    const text = JSON.stringify(rows);
    assert.doesNotMatch(text, /ada@example/);
    assert.match(text, /generic-garbage-collector/);
  });

  test('is not who only tried it', async () => {
    const before = kept.length;
    await create('mallory', 'tried', '?dryRun=All');
    await create('ada', 'tried');
    await untilStory('tried', 'created ada');
    await remove('mallory', 'tried', '?dryRun=All');
    await remove('bob', 'tried');
    await untilStory('tried', 'created ada', 'deleted bob');
    const asked = kept.slice(before).map(({ operation, requester }) => `${operation} ${requester}`);
    assert.deepEqual([...new Set(asked)], ['CREATE ada', 'DELETE bob']);
  });

  test('is each of those who changed it while no operator was there, and who deleted it first', async () => {
    await create('ada', 'meanwhile');
    await create('ada', 'held', '', { finalizers: ['example.com/hold'] });
    await create('ada', 'many-1');
    await create('ada', 'many-2');
    for (const name of ['meanwhile', 'held', 'many-1', 'many-2']) await untilStory(name, 'created ada');
    await operator.stop();
    await change('grace', 'meanwhile', { spec: { description: 'first' } });
    await change('bob', 'meanwhile', { spec: { description: 'second' } });
    await remove('bob', 'held');
    await remove(collector, 'held');
    await send('carol', 'DELETE', `${personas}?labelSelector=!other&fieldSelector=metadata.name!=meanwhile`);
    operator = await stage.startOperator();
    await untilStory('meanwhile', 'created ada', 'changed grace bob');
    await untilStory('held', 'created ada', 'deleted bob');
    for (const name of ['many-1', 'many-2']) await untilStory(name, 'created ada', 'deleted carol');
    await change('admin', 'held', { metadata: { finalizers: null } });
  });

  test('is unknown where the webhook is away, which holds up nobody', async () => {
    await create('ada', 'alone');
    await untilStory('alone', 'created ada');
    await injection.stop();
    await change('grace', 'alone', { spec: { description: 'unseen' } });
    await untilStory('alone', 'created ada', 'changed');
    await remove('bob', 'alone');
    await untilStory('alone', 'created ada', 'changed', 'deleted');
    await until(async () => !(await stage.hands.find('Persona', 'web/alone')), 'the persona to be gone');
  });
});

/** Configures the chart's webhook, at an address of this machine. */
async function configure({ client }: Stage, port: number): Promise<void> {
  const golden = await readFile(join(import.meta.dirname, '../charts/golden/minimal.yaml'), 'utf8');
  const webhook = parseAllDocuments(golden)
    .map((document) => document.toJS())
    .filter((object) => object?.kind === 'ValidatingWebhookConfiguration')
    .flatMap(({ webhooks }) => webhooks)
    .find(({ name }) => name === 'resources.audit.chaperone.dev');
  const clientConfig = { url: `https://127.0.0.1:${port}/` };
  const body = {
    ...{ apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration' },
    ...{ metadata: { name: 'requesters' }, webhooks: [{ ...webhook, clientConfig }] },
  };
  const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations';
  await client.send({ method: 'POST', path, body });
}
