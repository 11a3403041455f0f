import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { Pool } from 'pg';
import {
  type ApiClient,
  type KubernetesCluster,
  makeApiClient,
  makeKubernetesCluster,
} from '../../operator/cluster/kubernetes.ts';
import { type Operator, startOperator } from '../../operator/operator.ts';
import { makeTestDatabase } from '../database.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import { kubeConfigOf, log, skip, startServerWithKinds } from './cluster-under-test.ts';
import { analysisConfig, binding, decode, type Hands, makeHands, organization, persona, secret } from './resources.ts';

const namespace = 'governance';
const quotaPath = (place: string) => `/api/v1/namespaces/${place}/resourcequotas/none`;

describe('in a cluster', { skip }, () => {
  const scope = suiteScope();
  let hands: Hands;
  let db: Pool;
  let client: ApiClient;
  let cluster: KubernetesCluster;
  let operator: Operator;

  before(async () => {
    const database = await makeTestDatabase();
    scope.after(() => database.close());
    const server = await startServerWithKinds();
    scope.after(() => server.close());
    client = makeApiClient({ kubeConfig: kubeConfigOf(server) });
    scope.after(() => client.close());
    hands = makeHands(client);
    db = new Pool({ connectionString: database.url, max: 2 });
    scope.after(() => db.end());
    for (const [name, labels] of [
      [namespace, {}],
      ['web', { org: 'acme' }],
      ['api', { org: 'acme' }],
      ['outside', {}],
    ] as const) {
      await hands.create('Namespace', name, {}, { labels });
    }
    cluster = makeKubernetesCluster({ client, namespace, log });
    scope.after(() => cluster.close());
    await cluster.start();
    operator = await startOperator({ cluster, namespace, databaseUrl: database.url, log });
    scope.after(() => operator.stop());
    await hands.create('Organization', 'acme', organization());
    await hands.untilReason('Organization', 'acme', 'Ready');
  });

  const row = async (table: 'personas' | 'api_keys' | 'analysis_configs', resource: string) => {
    const { rows } = await db.query<{ is_active: boolean; name?: string; fingerprint?: string; updated_at: Date }>(
      `select * from chaperone.${table} where resource = $1 and deleted_at is null`,
      [resource],
    );
    return rows[0];
  };

  /** Here is no controller that counts what there is: admission goes by the status. */
  const forbidSecrets = async (place: string) => {
    const hard = { secrets: '0' };
    const path = quotaPath(place);
    await client.send({
      method: 'POST',
      path: path.replace(/\/[^/]+$/, ''),
      body: { metadata: { name: 'none' }, spec: { hard } },
    });
    const contentType = 'application/merge-patch+json';
    const body = { status: { hard, used: { secrets: '0' } } };
    await client.send({ method: 'PATCH', path: `${path}/status`, contentType, body });
  };
  /** By its own hand: for some time after a quota is gone, admission may still go by it. */
  const allowSecrets = async (place: string) => {
    const hard = { secrets: '10' };
    const change = { method: 'PATCH', contentType: 'application/merge-patch+json' } as const;
    await client.send({ ...change, path: quotaPath(place), body: { spec: { hard } } });
    await client.send({ ...change, path: `${quotaPath(place)}/status`, body: { status: { hard } } });
  };

  test('an Organization gets its row, and its namespaces get credentials', async () => {
    const acme = await hands.untilReason('Organization', 'acme', 'Ready');
    assert.deepEqual(acme.status?.memberNamespaces, ['api', 'web']);
    assert.deepEqual(acme.metadata.finalizers, ['chaperone.dev/organization']);
    const own = await hands.find('Secret', `${namespace}/chaperone-acme`);
    for (const member of ['api', 'web']) {
      const copy = await hands.find('Secret', `${member}/chaperone-acme`);
      const { 'namespace-keys.json': namespaceKeys, ...shared } = copy?.data ?? {};
      assert.deepEqual({ ...shared, 'namespace-keys.json': own?.data?.['namespace-keys.json'] }, own?.data);
      const sets = JSON.parse(Buffer.from(namespaceKeys ?? '', 'base64').toString()) as { namespace: string }[];
      assert.deepEqual(
        sets.map((set) => set.namespace),
        [member],
        'a namespace has its own keys, and no other’s',
      );
      assert.equal(copy?.metadata.labels?.['app.kubernetes.io/managed-by'], 'chaperone');
    }
    assert.equal(JSON.parse(decode(own, 'organization.json')).id, acme.status?.id);
    assert.ok(await hands.find('Secret', `${namespace}/chaperone-acme-signing-keys`));
    assert.equal(await hands.find('Secret', 'outside/chaperone-acme'), undefined);
  });

  test('a Persona becomes a row, which changes with its spec and is deleted with it', async () => {
    await hands.create('Persona', 'web/support', persona());
    const support = await hands.untilReason('Persona', 'web/support', 'Ready');
    assert.deepEqual(support.metadata.finalizers, ['chaperone.dev/row']);
    assert.equal((await row('personas', 'web/support'))?.name, 'Support');
    await hands.change('Persona', 'web/support', { spec: { name: 'Help' } });
    await until(async () => (await row('personas', 'web/support'))?.name === 'Help');
    await hands.remove('Persona', 'web/support');
    await hands.untilGone('Persona', 'web/support');
    assert.equal(await row('personas', 'web/support'), undefined);
  });

  test('a Persona follows its ConfigMap', async () => {
    const contentFrom = { configMapKeyRef: { name: 'texts', key: 'tone' } };
    await hands.create('Persona', 'web/tone', persona({ name: 'Tone', content: undefined, contentFrom }));
    await hands.untilReason('Persona', 'web/tone', 'ContentNotFound');
    await hands.create('ConfigMap', 'web/texts', {
      binaryData: { tone: Buffer.from('Grüße', 'latin1').toString('base64') },
    });
    await until(async () => {
      const { status } = (await hands.find('Persona', 'web/tone')) ?? {};
      return status?.conditions?.some(({ message }) => message.includes('is not UTF-8'));
    });
    await hands.change('ConfigMap', 'web/texts', { binaryData: null, data: { tone: 'Be brief.' } });
    const first = await hands.untilReason('Persona', 'web/tone', 'Ready');
    await hands.change('ConfigMap', 'web/texts', { data: { tone: 'Be verbose.' } });
    await until(async () => {
      const { status } = (await hands.find('Persona', 'web/tone')) ?? {};
      return status?.contentHash !== first.status?.contentHash;
    });
    await hands.remove('ConfigMap', 'web/texts');
    await hands.untilReason('Persona', 'web/tone', 'ContentNotFound');
    assert.ok(await row('personas', 'web/tone'), 'the last content stays in force');
  });

  test('a name is unique within its namespace only', async () => {
    await hands.create('Persona', 'web/first', persona({ name: 'Same' }));
    await hands.untilReason('Persona', 'web/first', 'Ready');
    await hands.create('Persona', 'web/second', persona({ name: 'Same' }));
    await hands.untilReason('Persona', 'web/second', 'NameTaken');
    await hands.change('Persona', 'web/second', { spec: { name: 'Other' } });
    await hands.untilReason('Persona', 'web/second', 'Ready');
    await hands.create('Persona', 'api/third', persona({ name: 'Same' }));
    await hands.untilReason('Persona', 'api/third', 'Ready');
  });

  test('an ApiKeyBinding waits for its Secret, and is withdrawn when the Secret goes', async () => {
    await hands.create('ApiKeyBinding', 'web/openai', binding());
    await hands.untilReason('ApiKeyBinding', 'web/openai', 'SecretNotFound');
    await hands.create('Secret', 'web/openai', secret({ key: 'sk-1' }));
    await hands.untilReason('ApiKeyBinding', 'web/openai', 'Ready');
    const handedOut = await hands.find('Secret', 'web/openai-synthetic-key');
    assert.match(decode(handedOut, 'api-key'), /^chp_/);
    const before = await row('api_keys', 'web/openai');
    await hands.change('Secret', 'web/openai', secret({ key: 'sk-2' }));
    await until(async () => (await row('api_keys', 'web/openai'))?.fingerprint !== before?.fingerprint);
    const after = await hands.find('Secret', 'web/openai-synthetic-key');
    assert.deepEqual(after?.data, handedOut?.data, 'applications keep their key');
    await hands.remove('Secret', 'web/openai');
    await hands.untilReason('ApiKeyBinding', 'web/openai', 'SecretNotFound');
    assert.equal(await row('api_keys', 'web/openai'), undefined);
    await hands.remove('ApiKeyBinding', 'web/openai');
    await hands.untilGone('ApiKeyBinding', 'web/openai');
    await hands.untilGone('Secret', 'web/openai-synthetic-key');
  });

  test('a binding whose Secret already exists is never reported as broken', async () => {
    const reasons: (string | undefined)[] = [];
    const unsubscribe = cluster.subscribe(({ kind, name }) => {
      if (kind !== 'ApiKeyBinding' || name !== 'ready-made') return;
      const { status } = cluster.get('ApiKeyBinding', 'web', name) ?? {};
      reasons.push(status?.conditions?.find(({ type }) => type === 'Ready')?.reason);
    });
    await hands.create('Secret', 'web/ready-made', secret({ key: 'sk-3' }));
    await hands.create(
      'ApiKeyBinding',
      'web/ready-made',
      binding({ models: ['gpt-4.1-nano'], secretKeyRef: { name: 'ready-made', key: 'key' } }),
    );
    await hands.untilReason('ApiKeyBinding', 'web/ready-made', 'Ready');
    await operator.idle();
    unsubscribe();
    assert.deepEqual([...new Set(reasons)], [undefined, 'Ready']);
  });

  test('an AnalysisConfig is stored', async () => {
    await hands.create('AnalysisConfig', 'web/intent', analysisConfig());
    await hands.untilReason('AnalysisConfig', 'web/intent', 'Ready');
    assert.equal((await row('analysis_configs', 'web/intent'))?.name, 'Intent');
  });

  test('an object that belongs to no organization says why', async () => {
    await hands.create('Persona', 'outside/stranger', persona({ name: 'Stranger' }));
    await hands.untilReason('Persona', 'outside/stranger', 'NamespaceNotMember');
    await hands.create('Persona', 'web/orphan', persona({ name: 'Orphan', organizationRef: { name: 'nobody' } }));
    await hands.untilReason('Persona', 'web/orphan', 'OrganizationNotFound');
  });

  test('a namespace that leaves takes its resources out of force, and brings them back', async () => {
    await hands.create('Namespace', 'moving', {}, { labels: { org: 'acme' } });
    await hands.create('Persona', 'moving/mover', persona({ name: 'Mover' }));
    await hands.untilReason('Persona', 'moving/mover', 'Ready');
    await until(() => hands.find('Secret', 'moving/chaperone-acme'));
    await hands.change('Namespace', 'moving', { metadata: { labels: { org: null } } });
    const gone = await hands.untilReason('Persona', 'moving/mover', 'NamespaceNotMember');
    const consent = gone.status?.conditions?.find(({ type }) => type === 'Consent');
    assert.deepEqual([consent?.status, consent?.reason], ['False', 'NamespaceNotMember']);
    await hands.untilGone('Secret', 'moving/chaperone-acme');
    assert.equal(await row('personas', 'moving/mover'), undefined);
    await hands.change('Namespace', 'moving', { metadata: { labels: { org: 'acme' } } });
    await hands.untilReason('Persona', 'moving/mover', 'Ready');
    await until(() => hands.find('Secret', 'moving/chaperone-acme'));
    assert.ok(await row('personas', 'moving/mover'));
  });

  test('a Secret of the operator that somebody deletes or edits is restored', async () => {
    const path = 'web/chaperone-acme';
    const right = await hands.find('Secret', path);
    await hands.remove('Secret', path);
    await until(async () => (await hands.find('Secret', path))?.metadata.uid !== right?.metadata.uid);
    const isRight = async () => {
      const { data } = (await hands.find('Secret', path)) ?? {};
      return (
        JSON.stringify(Object.entries(data ?? {}).sort()) === JSON.stringify(Object.entries(right?.data ?? {}).sort())
      );
    };
    await until(isRight);
    await hands.change('Secret', path, { stringData: { 'database-url': 'postgres://elsewhere' } });
    await until(isRight);
    await hands.change('Secret', path, { stringData: { surplus: 'here' } });
    await until(isRight);
  });

  test('a Secret whose label somebody removes keeps its contents', async () => {
    for (const path of [`${namespace}/chaperone-acme`, `${namespace}/chaperone-acme-signing-keys`]) {
      const right = await hands.find('Secret', path);
      await hands.change('Secret', path, { metadata: { labels: { 'app.kubernetes.io/managed-by': null } } });
      const repaired = await until(async () => {
        const found = await hands.find('Secret', path);
        return found?.metadata.labels?.['app.kubernetes.io/managed-by'] === 'chaperone' && found;
      });
      assert.deepEqual(repaired.data, right?.data);
    }
  });

  test('somebody else’s Secret is not taken over', async () => {
    await hands.create('Secret', 'web/taken', secret({ key: 'sk-4' }));
    await hands.create('Secret', 'web/taken-synthetic-key', secret({ mine: 'yes' }));
    await hands.create(
      'ApiKeyBinding',
      'web/taken',
      binding({ models: ['gpt-4.1-mini'], secretKeyRef: { name: 'taken', key: 'key' } }),
    );
    const taken = await hands.untilReason('ApiKeyBinding', 'web/taken', 'SyntheticKeySecretTaken');
    assert.equal(taken.status?.secretName, undefined, 'no pod is given what somebody else wrote');
    const inForce = await row('api_keys', 'web/taken');
    assert.ok(inForce, 'who calls with a token may use the key');
    const announced = new Promise<void>((resolve) => {
      const unsubscribe = cluster.subscribe(({ name }) => {
        if (name !== 'taken') return;
        unsubscribe();
        resolve();
      });
    });
    await hands.change('ApiKeyBinding', 'web/taken', { metadata: { labels: { looked: 'again' } } });
    await announced;
    await operator.idle();
    assert.deepEqual(
      (await row('api_keys', 'web/taken'))?.updated_at,
      inForce.updated_at,
      'another try writes nothing',
    );
    const theirs = await hands.find('Secret', 'web/taken-synthetic-key');
    assert.deepEqual(Object.keys(theirs?.data ?? {}), ['mine']);
    await hands.remove('Secret', 'web/taken-synthetic-key');
    const settled = await hands.untilReason('ApiKeyBinding', 'web/taken', 'Ready');
    assert.equal(settled.status?.secretName, 'taken-synthetic-key');
  });

  test('a namespace that cannot get the credentials does not prevent the others', async () => {
    const labels = { org: 'crowded' };
    // In the order in which they are served: the first two cannot be.
    for (const name of ['crowd-1', 'crowd-2', 'crowd-3']) await hands.create('Namespace', name, {}, { labels });
    await hands.create('Secret', 'crowd-1/chaperone-crowded', secret({ mine: 'yes' }));
    await forbidSecrets('crowd-2');
    await until(() => cluster.get('Namespace', '', 'crowd-3'), 'the namespaces to be seen');
    await hands.create('Organization', 'crowded', organization({ namespaceSelector: { matchLabels: labels } }));
    const crowded = await hands.untilReason('Organization', 'crowded', 'NamespacesWithoutCredentials');
    assert.deepEqual(crowded.status?.memberNamespaces, ['crowd-3']);
    assert.ok(await hands.find('Secret', 'crowd-3/chaperone-crowded'));
    const condition = crowded.status?.conditions?.find(({ type }) => type === 'CredentialsReady');
    assert.match(
      condition?.message ?? '',
      /crowd-1 \(.*already exists and was not made by Chaperone.*crowd-2 \(.*exceeded quota/,
    );
    const theirs = await hands.find('Secret', 'crowd-1/chaperone-crowded');
    assert.deepEqual(Object.keys(theirs?.data ?? {}), ['mine']);
    await hands.remove('Secret', 'crowd-1/chaperone-crowded');
    await allowSecrets('crowd-2');
    const ready = await hands.untilReason('Organization', 'crowded', 'Ready');
    assert.deepEqual(ready.status?.memberNamespaces, ['crowd-1', 'crowd-2', 'crowd-3']);
  });

  test('finalizers of others stay', async () => {
    await hands.create('Persona', 'web/shared', persona({ name: 'Shared' }), { finalizers: ['example.com/other'] });
    const shared = await hands.untilReason('Persona', 'web/shared', 'Ready');
    assert.deepEqual(shared.metadata.finalizers, ['example.com/other', 'chaperone.dev/row']);
    await hands.remove('Persona', 'web/shared');
    await until(async () => (await hands.find('Persona', 'web/shared'))?.metadata.finalizers?.length === 1);
    assert.deepEqual((await hands.find('Persona', 'web/shared'))?.metadata.finalizers, ['example.com/other']);
    assert.equal(await row('personas', 'web/shared'), undefined);
    await hands.change('Persona', 'web/shared', { metadata: { finalizers: [] } });
    await hands.untilGone('Persona', 'web/shared');
  });

  test('a deleted Organization removes everything that its policy says', async () => {
    await hands.create('Organization', 'brief', organization({ namespaceSelector: { matchLabels: { org: 'brief' } } }));
    const brief = await hands.untilReason('Organization', 'brief', 'NoNamespaces');
    await hands.remove('Organization', 'brief');
    await hands.untilGone('Organization', 'brief');
    for (const name of ['chaperone-brief', 'chaperone-brief-signing-keys']) {
      await hands.untilGone('Secret', `${namespace}/${name}`);
    }
    const { rows } = await db.query('select from chaperone.organizations where organization_id = $1', [
      brief.status?.id,
    ]);
    assert.equal(rows.length, 0);
  });
});
