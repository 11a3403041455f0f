import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { Agent, request } from 'undici';
import type { ApiKeyBinding } from '../../../crds/resources.generated.ts';
import { issueAuthority, issueServing, type KeyPair } from '../../../operator/certificates/issue.ts';
import { makeCache } from '../../../operator/cluster/cache.ts';
import type { ChangeListener } from '../../../operator/cluster/cluster.ts';
import type { ApiRequest } from '../../../operator/cluster/kubernetes/api-client.ts';
import { decideInjection } from '../../../operator/injection/decide.ts';
import { type Injection, startInjection } from '../../../operator/injection/start.ts';
import { secretPath } from '../../../operator/injection/webhook-key.ts';
import { until } from '../../until.ts';
import { applyPatch, binding, gathered, organization, pod, settings } from './pods.ts';

const log = pino({ level: 'silent' });
const key = Buffer.alloc(32, 1);
const keys = { all: () => [key] };
const mutate = secretPath(key, 'mutate');
const validate = secretPath(key, 'validate');

describe('the webhooks', () => {
  const registry = new Registry();
  const cluster = makeCluster();
  const sent: ApiRequest[] = [];
  let authority: KeyPair;
  let injection: Injection;
  let agent: Agent;
  let showNext: (pair: KeyPair) => void = () => {};
  let isUpgrading = false;
  /** What the API server has in the namespaces that are asked for. */
  const stored = new Map<string, readonly ApiKeyBinding[]>();

  before(async () => {
    const validity = { lifetimeMs: 3_600_000, nowMs: Date.now() };
    authority = await issueAuthority(validity);
    const first = await issueServing(authority, ['localhost'], validity);
    injection = await startInjection({
      cluster,
      client: {
        async send<Answer>(request: ApiRequest): Promise<Answer> {
          sent.push(request);
          const [, namespace = ''] = /\/namespaces\/([^/]+)\/apikeybindings$/.exec(request.path) ?? [];
          const items = stored.get(namespace);
          if (items) return { items } as Answer;
          throw new Error('There is no API server');
        },
      },
      certificates: (onCertificate) => {
        showNext = onCertificate;
        return () => {};
      },
      settings,
      keys,
      usesFormerPaths: async () => isUpgrading,
      host: '127.0.0.1',
      port: 0,
      instance: 'test',
      keepRequest: async () => {},
      drained: async () => {},
      log,
      registry,
    });
    assert.equal(injection.notReady(), 'the webhooks have no certificate yet');
    showNext(first);
    assert.equal(injection.notReady(), undefined);
    agent = new Agent({ connections: 1, connect: { ca: authority.certificate } });
  });
  after(async () => {
    await agent.close();
    await injection.stop();
  });

  const post = async (path: string, body: string) => {
    const url = `https://localhost:${injection.port}${path}`;
    const answer = await request(url, { method: 'POST', body, dispatcher: agent });
    return { status: answer.statusCode, body: JSON.parse(await answer.body.text()) };
  };
  const review = (change: object = {}) =>
    JSON.stringify({
      apiVersion: 'admission.k8s.io/v1',
      kind: 'AdmissionReview',
      request: {
        uid: 'u-1',
        operation: 'CREATE',
        kind: { group: '', version: 'v1', kind: 'Pod' },
        namespace: 'shop',
        object: pod(),
        ...change,
      },
    });

  test('answer with the patch', async () => {
    const { status, body } = await post(`${mutate}?timeout=5s`, review());
    assert.equal(status, 200);
    assert.partialDeepStrictEqual(body.response, { uid: 'u-1', allowed: true, patchType: 'JSONPatch' });
    const patch = JSON.parse(Buffer.from(body.response.patch, 'base64').toString());
    assert(patch.some(({ path }: { path: string }) => path === '/spec/initContainers'));
  });

  test('give the key of a binding that this replica does not know yet, and none where there is none', async () => {
    cluster.addNamespace('late', { team: 'acme' });
    const namesKey = async () => {
      const { body } = await post(mutate, review({ namespace: 'late', object: pod() }));
      assert.equal(body.response.allowed, true);
      return Buffer.from(body.response.patch, 'base64').toString().includes('shared-synthetic-key');
    };
    assert.equal(await namesKey(), false, 'the API server does not answer');
    stored.set('late', []);
    assert.equal(await namesKey(), false, 'there is none');
    stored.set('late', [{ ...binding('shared'), metadata: { ...binding('shared').metadata, namespace: 'late' } }]);
    assert.equal(await namesKey(), true);
  });

  test('ignore everything but the creation of pods', async () => {
    for (const change of [
      { operation: 'UPDATE' },
      { kind: { group: 'apps', kind: 'Pod' } },
      { subResource: 'binding' },
    ]) {
      const { body } = await post(mutate, review(change));
      assert.deepEqual(body.response, { uid: 'u-1', allowed: true });
    }
  });

  test('refuse with a message', async () => {
    const object = pod({ annotations: { 'chaperone.dev/organization': 'nobody' } });
    const { body } = await post(mutate, review({ object }));
    assert.equal(body.response.allowed, false);
    assert.match(body.response.status.message, /create it or correct the annotation/);
  });

  test('refuse a final state without the sidecar', async () => {
    const { body } = await post(validate, review());
    assert.match(body.response.status.message, /SidecarMissing/);
    const plain = await post(validate, review({ object: pod({ labels: {} }) }));
    assert.deepEqual(plain.body.response, { uid: 'u-1', allowed: true });
  });

  test('wait a moment for a new namespace', async () => {
    const answer = post(mutate, review({ namespace: 'new' }));
    await until(() => cluster.isAwaited());
    cluster.addNamespace('new');
    assert.match((await answer).body.response.status.message, /NoOrganization/);
  });

  test('refuse a pod of an unknown namespace', async () => {
    const { body } = await post(mutate, review({ namespace: 'nowhere' }));
    assert.match(body.response.status.message, /NamespaceUnknown/);
  });

  const wrong: readonly [title: string, body: string, status: number][] = [
    ['no JSON', '{', 400],
    ['no review', '{}', 400],
    ['an old review', review().replace('k8s.io/v1', 'k8s.io/v1beta1'), 400],
    ['more than any review has', `"${'x'.repeat(7 * 1024 * 1024)}"`, 413],
  ];
  for (const [title, body, status] of wrong) {
    test(`refuse ${title}`, async () => assert.equal((await post(mutate, body)).status, status));
  }

  test('refuse a review of another object with the reason', async () => {
    const { body } = await post(mutate, review({ object: { metadata: {}, spec: { containers: 'none' } } }));
    assert.equal(body.response.allowed, false);
    assert.match(body.response.status.message, /\/spec\/containers must be array/);
  });

  const elsewhere = [
    '/',
    '/mutate',
    '/validate',
    '/mutate/',
    `/mutate/${'0'.repeat(64)}`,
    `${secretPath(key, 'mutate')}0`,
  ];
  for (const path of elsewhere) {
    test(`answer 404 to a stranger at ${path.slice(0, 20)}`, async () => {
      const asked = review({ object: pod({ spec: { hostNetwork: true } }), namespace: 'shop' });
      const events = sent.length;
      const { status, body } = await post(path, asked);
      assert.equal(status, 404);
      assert.deepEqual(body, { message: 'There is nothing here' });
      assert.equal(sent.length, events, 'an Event was written for a stranger');
    });
  }

  test('are served at the former paths while API servers may still ask there, without a write', async () => {
    isUpgrading = true;
    const events = sent.length;
    const { body } = await post('/mutate', review());
    assert.equal(body.response.allowed, true);
    const skipped = await post('/mutate', review({ object: pod({ spec: { os: { name: 'windows' } } }) }));
    assert.equal(skipped.body.response.allowed, true);
    assert.equal(sent.length, events);
    // An operator of the former version may have given a sidecar that is not ours.
    const theirs = { ...injectedPod(), metadata: { ...injectedPod().metadata } };
    const [sidecar, ...others] = theirs.spec.initContainers ?? [];
    const object = {
      ...theirs,
      spec: { ...theirs.spec, initContainers: [{ ...sidecar, image: 'chaperone:former' }, ...others] },
    };
    assert.equal((await post('/validate', review({ object }))).body.response.allowed, true);
    assert.match((await post(validate, review({ object }))).body.response.status.message, /SidecarAltered/);
    isUpgrading = false;
  });

  test('refuse a container in a running pod that would read the credentials', async () => {
    const reading = (secret: string) => ({
      ...pod({ labels: {} }),
      spec: {
        containers: [{ name: 'app' }],
        ephemeralContainers: [{ name: 'debugger', envFrom: [{ secretRef: { name: secret } }] }],
      },
    });
    const update = { operation: 'UPDATE', subResource: 'ephemeralcontainers' };
    const { body } = await post(validate, review({ ...update, object: reading('chaperone-acme') }));
    assert.match(
      body.response.status.message,
      /container "debugger" refers to Secret "chaperone-acme".*CredentialsReferred/,
    );
    const other = await post(validate, review({ ...update, object: reading('chaperone-notes') }));
    assert.equal(other.body.response.allowed, true);
  });

  test('refuse a pod without a sidecar that would read them', async () => {
    const volumes = [{ name: 'stolen', secret: { secretName: 'chaperone-acme' } }];
    const { body } = await post(validate, review({ object: pod({ labels: {}, spec: { volumes } }) }));
    assert.match(
      body.response.status.message,
      /Volume "stolen" refers to Secret "chaperone-acme".*CredentialsReferred/,
    );
  });

  test('are counted', async () => {
    await post(mutate, review({ object: pod({ spec: { hostNetwork: true } }) }));
    const text = await registry.metrics();
    assert.match(text, /chaperone_injections_total\{outcome="skipped",reason="HostNetwork"\} 1/);
    assert.match(text, /chaperone_injection_validations_total\{outcome="refused",reason="SidecarMissing"\} 1/);
    assert.match(text, /chaperone_webhook_certificate_expiry_timestamp_seconds \d+/);
  });

  test('use a new certificate for the next connection', async () => {
    const validity = { lifetimeMs: 3_600_000, nowMs: Date.now() };
    const next = await issueAuthority(validity);
    showNext(await issueServing(next, ['localhost'], validity));
    assert.equal((await post(mutate, review())).status, 200, 'a connection that stands goes on');
    const newcomer = new Agent({ connect: { ca: next.certificate } });
    const url = `https://localhost:${injection.port}${mutate}`;
    const { statusCode, body } = await request(url, { method: 'POST', body: review(), dispatcher: newcomer });
    await body.dump();
    assert.equal(statusCode, 200);
    await newcomer.close();
  });
});

test('a server that stops answers until API servers know of it, and then closes each connection', async () => {
  const cluster = makeCluster();
  const drained = Promise.withResolvers<void>();
  const validity = { lifetimeMs: 3_600_000, nowMs: Date.now() };
  const authority = await issueAuthority(validity);
  const serving = await issueServing(authority, ['localhost'], validity);
  const injection = await startInjection({
    cluster,
    client: { send: () => Promise.reject(new Error('There is no API server')) },
    certificates: (onCertificate) => {
      onCertificate(serving);
      return () => {};
    },
    settings,
    keys,
    host: '127.0.0.1',
    port: 0,
    instance: 'test',
    keepRequest: async () => {},
    drained: () => drained.promise,
    log,
    registry: new Registry(),
  });
  const agent = new Agent({ connections: 1, connect: { ca: authority.certificate } });
  const asked = { uid: 'u', operation: 'CREATE', kind: { group: '', kind: 'Pod' }, namespace: 'new', object: pod() };
  const body = JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request: asked });
  const ask = (dispatcher: Agent) =>
    request(`https://localhost:${injection.port}${mutate}`, { method: 'POST', body, dispatcher });
  const answer = ask(agent);
  await until(() => cluster.isAwaited());
  const stopped = injection.stop();
  cluster.addNamespace('new');
  const { statusCode, body: text } = await answer;
  assert.equal(statusCode, 200);
  assert.match(await text.text(), /NoOrganization/);
  const newcomer = new Agent({ connect: { ca: authority.certificate } });
  for (const dispatcher of [agent, newcomer]) {
    const { headers, body: rest } = await ask(dispatcher);
    assert.equal(headers.connection, 'close');
    assert.match(await rest.text(), /NoOrganization/);
  }
  drained.resolve();
  await stopped;
  await assert.rejects(() => ask(newcomer), { code: 'ECONNREFUSED' });
  await agent.close();
  await newcomer.close();
});

/** As the webhook would have injected it. */
function injectedPod() {
  const decision = decideInjection(gathered(pod()), settings);
  assert(decision.action === 'inject');
  return applyPatch(pod(), decision.patch);
}

/** Organization acme with a binding in namespace `shop`, and namespaces that are yet to come. */
function makeCluster() {
  const cache = makeCache();
  let isAwaited = false;
  const addNamespace = (name: string, labels: Record<string, string> = {}) => {
    const metadata = { name, labels, uid: 'uid', generation: 1, creationTimestamp: '2026-01-01T00:00:00Z' };
    cache.put('Namespace', { apiVersion: 'v1', kind: 'Namespace', metadata });
    cache.announce({ kind: 'Namespace', namespace: '', name }, 'foreign');
  };
  cache.put('Organization', organization('acme', { memberNamespaces: ['shop', 'late'] }));
  cache.put('ApiKeyBinding', binding('shared'));
  addNamespace('shop', { team: 'acme' });
  return {
    ...cache,
    subscribe(listener: ChangeListener) {
      isAwaited = true;
      return cache.subscribe(listener);
    },
    addNamespace,
    /** Whether somebody waits for news. */
    isAwaited: () => isAwaited,
  };
}
