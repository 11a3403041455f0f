import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Registry } from 'prom-client';
import { Agent, fetch } from 'undici';
import { defaultCertificatePolicy } from '../../operator/certificates/decide.ts';
import { startCertificateManager } from '../../operator/certificates/manage.ts';
import { certificateFromSecret } from '../../operator/certificates/source.ts';
import { type ApiClient, makeApiClient, makeKubernetesCluster } from '../../operator/cluster/kubernetes.ts';
import { webhookKeySecretName } from '../../operator/credentials.ts';
import { followFormerPaths } from '../../operator/injection/former-paths.ts';
import { startPathPublisher } from '../../operator/injection/publish-paths.ts';
import { defaultSidecar } from '../../operator/injection/settings.ts';
import { startInjection } from '../../operator/injection/start.ts';
import { followWebhookKeys, openWebhookKey, secretPath } from '../../operator/injection/webhook-key.ts';
import { parseRendered, render, skip as skipHelm } from '../charts/helm.ts';
import { HeldClock } from '../held-clock.ts';
import { atEnd, suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import type { ApiServer } from './api-server.ts';
import { kubeConfigOf, log, skip as skipServer, startServerWithKinds } from './cluster-under-test.ts';
import { makeHands, organization } from './resources.ts';

const operatorNamespace = 'chaperone-system';
const configuration = 'chaperone-chaperone-system';
const inject = { 'chaperone.dev/inject': 'true' };
const injected = { 'chaperone.dev/injected': 'true' };
const labels = (changed: object) => ({ metadata: { labels: changed } });
const annotationsOf = (changed: object) => ({ metadata: { annotations: changed } });
const mounting = (name: string) => ({ volumeMounts: [{ name, mountPath: '/loot' }] });
const configurations = [
  { kind: 'mutatingwebhookconfigurations', name: configuration },
  { kind: 'validatingwebhookconfigurations', name: configuration },
] as const;

let server: ApiServer;
let client: ApiClient;

describe('the chart’s admission policies', { skip: skipServer || skipHelm }, () => {
  const scope = suiteScope();

  before(async () => {
    server = await startServerWithKinds();
    scope.after(() => server.close());
    client = makeApiClient({ kubeConfig: kubeConfigOf(server) });
    scope.after(() => client.close());
    const hands = makeHands(client);
    await hands.create('Namespace', operatorNamespace);
    await hands.create('Namespace', 'shop', {}, { labels: { team: 'acme' } });
    await hands.create('Namespace', 'governed', {}, { labels: { team: 'acme', ...inject } });
    const namespaceSelector = { matchLabels: { team: 'acme' } };
    await hands.create('Organization', 'acme', organization({ namespaceSelector }));
    // As an operator without these guards left it.
    assert.equal((await create('shop', formerPod('former'))).status, 201);
    const cluster = makeKubernetesCluster({ client, namespace: operatorNamespace, log });
    scope.after(() => cluster.close());
    await cluster.start();
    const status = { id: randomUUID(), memberNamespaces: ['shop', 'governed'] };
    await cluster.updateStatus({ kind: 'Organization', namespace: '', name: 'acme' }, status);

    const secret = { namespace: operatorNamespace, name: 'chaperone-webhook-tls' };
    const key = await openWebhookKey({ client, namespace: operatorNamespace });
    const injection = await startInjection({
      cluster,
      client,
      certificates: certificateFromSecret(cluster, secret),
      keys: followWebhookKeys(cluster, operatorNamespace, key),
      settings: { ...defaultSidecar, operatorNamespace, image: 'chaperone:test' },
      host: '127.0.0.1',
      port: 0,
      instance: 'test',
      keepRequest: async () => {},
      drained: async () => {},
      log,
      registry: new Registry(),
    });
    scope.after(() => injection.stop());
    for (const { apiVersion, kind, ...object } of await renderGuards(injection.port)) {
      const plural = kind.endsWith('Policy') ? 'validatingadmissionpolicies' : `${kind.toLowerCase()}s`;
      const { status, body } = await server.request('POST', `/apis/${apiVersion}/${plural}`, { ...object });
      assert.equal(status, 201, JSON.stringify(body));
    }
    const policy = { ...defaultCertificatePolicy, names: ['127.0.0.1'] };
    const certificates = startCertificateManager({
      ...{ cluster, client, secret, configurations, policy, log },
      intervalMs: 100,
    });
    scope.after(certificates.stop);
    const paths = startPathPublisher({ client, namespace: operatorNamespace, configurations, log, intervalMs: 100 });
    scope.after(paths.stop);
    await until(
      async () => (await create('shop', pod('probe', { labels: inject }), true)).status === 201,
      'the webhooks',
    );
    await until(async () => (await create('shop', reading('chaperone-acme'), true)).status === 403, 'the validation');
    await until(async () => (await create('shop', pod('p', { labels: injected }), true)).status === 403, 'the guard');
    await until(async () => (await relabel('former', null)).status === 403, 'the guard of updates');
    await until(async () => (await exec('former', 'chaperone-proxy')).status === 403, 'the guard of exec');
    assert.equal((await create('shop', pod('web', { labels: inject }))).status, 201);
  });

  describe('a pod is created', () => {
    const forged = {
      initContainers: [
        {
          name: 'chaperone-proxy',
          image: 'thief:1',
          restartPolicy: 'Always',
          volumeMounts: [{ name: 'chaperone-credentials', mountPath: '/loot' }],
        },
      ],
      volumes: [{ name: 'chaperone-credentials', secret: { secretName: 'chaperone-acme' } }],
    };
    const annotations = { 'chaperone.dev/injected-hash': '0123456789abcdef' };
    const rows: readonly [title: string, asked: object, message: RegExp][] = [
      [
        'with a forged sidecar',
        pod('x', { labels: { ...inject, ...injected }, annotations, spec: forged }),
        /SidecarAltered/,
      ],
      ['with a forged sidecar, not asking', pod('x', { annotations, spec: forged }), /CredentialsReferred/],
      [
        'with a forged sidecar, as injected',
        pod('x', { labels: injected, annotations, spec: forged }),
        /is the webhook's to set|CredentialsReferred/,
      ],
      ['with the credentials, not asking', reading('chaperone-acme'), /Volume "v" refers to Secret "chaperone-acme"/],
      [
        'with the credentials, asking',
        reading('chaperone-acme', inject),
        /Volume "v" refers to Secret "chaperone-acme"/,
      ],
      [
        'with the credentials in a projected volume',
        pod('x', {
          spec: { volumes: [{ name: 'v', projected: { sources: [{ secret: { name: 'chaperone-acme' } }] } }] },
        }),
        /CredentialsReferred/,
      ],
      [
        'with the credentials in its environment',
        pod('x', {
          spec: { containers: [{ name: 'app', image: 'app', envFrom: [{ secretRef: { name: 'chaperone-acme' } }] }] },
        }),
        /The environment of container "app" refers/,
      ],
      [
        'that shares its processes',
        pod('x', { labels: inject, spec: { shareProcessNamespace: true } }),
        /ProcessesShared/,
      ],
      [
        "as the sidecar's user",
        pod('x', { labels: inject, spec: { securityContext: { runAsUser: 60_812 } } }),
        /UserTaken/,
      ],
      ["with the webhook's label", pod('x', { labels: injected }), /is the webhook's to set/],
    ];
    for (const [title, asked, message] of rows) {
      test(title, async () => {
        const { status, body } = await create('shop', asked, true);
        assert.equal(status, 403, JSON.stringify(body));
        assert.match(body.message ?? '', message);
      });
    }

    test('with the credentials where its namespace asks and it opts out', async () => {
      const { status, body } = await create(
        'governed',
        reading('chaperone-acme', { 'chaperone.dev/inject': 'false' }),
        true,
      );
      assert.equal(status, 403, JSON.stringify(body));
      assert.match(body.message ?? '', /CredentialsReferred/);
    });

    test('but admitted with a Secret whose name only resembles theirs', async () => {
      assert.equal((await create('shop', reading('chaperone-notes'), true)).status, 201);
      assert.equal((await create('shop', reading('chaperone-notes', inject), true)).status, 201);
    });
  });

  // Both what is injected now, and what the former version has injected.
  for (const name of ['web', 'former']) {
    describe(`pod ${name} runs`, () => {
      const refused: readonly [title: string, change: object, message: RegExp][] = [
        [
          'loses the label that policies go by',
          labels({ 'chaperone.dev/injected': null }),
          /network\s+policies go by them/,
        ],
        ['has the label changed', labels({ 'chaperone.dev/injected': 'false' }), /stay as they were/],
        ['opts out', labels({ 'chaperone.dev/inject': 'false' }), /stay as they were/],
        ['gets another hash', annotationsOf({ 'chaperone.dev/injected-hash': 'x' }), /the operator goes by them/],
        [
          'goes to another organization',
          annotationsOf({ 'chaperone.dev/organization': 'x' }),
          /the operator goes by them/,
        ],
        [
          'gets another image for its sidecar',
          { spec: { initContainers: [{ name: 'chaperone-proxy', image: 'thief:1' }] } },
          /The image of container chaperone-proxy stays/,
        ],
      ];
      for (const [title, change, message] of refused) {
        test(`${title}: refused`, async () => {
          const { status, body } = await patch(`/api/v1/namespaces/shop/pods/${name}`, change);
          assert.equal(status, 403, JSON.stringify(body));
          assert.match(body.message ?? '', message);
        });
      }

      const unrelated: readonly [title: string, change: object][] = [
        ['another label', labels({ team: 'shop' })],
        ['another annotation', annotationsOf({ note: 'x', 'chaperone.dev/log-level': 'debug' })],
        ["another image of the application's", { spec: { containers: [{ name: 'app', image: 'app:2' }] } }],
        [
          'an owner',
          { metadata: { ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'a', uid: 'u' }] } },
        ],
      ];
      for (const [title, change] of unrelated) {
        test(`${title} is allowed`, async () => {
          const { status, body } = await patch(`/api/v1/namespaces/shop/pods/${name}`, change);
          assert.equal(status, 200, JSON.stringify(body));
        });
      }

      const debugging: readonly [title: string, container: object, message: RegExp][] = [
        ["in the sidecar's processes", { targetContainerName: 'chaperone-proxy' }, /must not join the processes/],
        ['over the credentials', mounting('chaperone-credentials'), /for container chaperone-proxy alone/],
        ['over the records', mounting('chaperone-data'), /for container chaperone-proxy alone/],
        [
          "as the sidecar's user",
          { securityContext: { runAsUser: 60_812 } },
          /have the debugging container run as another/,
        ],
        [
          'with the credentials in its environment',
          { envFrom: [{ secretRef: { name: 'chaperone-acme' } }] },
          /CredentialsReferred/,
        ],
      ];
      for (const [title, container, message] of debugging) {
        test(`debugging it ${title}: refused`, async () => {
          const { status, body } = await debug(name, container);
          assert.equal(status, 403, JSON.stringify(body));
          assert.match(body.message ?? '', message);
        });
      }

      test('debugging the application is allowed', async () => {
        const { status, body } = await debug(name, { targetContainerName: 'app' });
        assert.equal(status, 200, JSON.stringify(body));
      });

      test('a program in the sidecar is refused, and one in the application is allowed', async () => {
        const { status, body } = await exec(name, 'chaperone-proxy');
        assert.equal(status, 403);
        assert.match(body.message ?? '', /Nobody runs programs in container chaperone-proxy/);
        assert.notEqual((await exec(name, 'app')).status, 403);
      });
    });
  }

  test('a pod without a sidecar may be changed, but not to look like one with a sidecar', async () => {
    assert.equal((await create('shop', pod('plain'))).status, 201);
    const path = '/api/v1/namespaces/shop/pods/plain';
    assert.equal((await patch(path, labels({ 'chaperone.dev/inject': 'false' }))).status, 200);
    assert.equal((await patch(path, labels(injected))).status, 403);
  });
});

describe('the webhooks’ paths', { skip: skipServer || skipHelm }, () => {
  const namespace = 'upgraded-system';
  const kind = 'mutatingwebhookconfigurations';
  const upgraded = [{ kind, name: 'upgraded' }] as const;
  let api: ApiClient;

  before(async () => {
    server = await startServerWithKinds();
    api = makeApiClient({ kubeConfig: kubeConfigOf(server) });
    await makeHands(api).create('Namespace', namespace);
    const webhook = {
      name: 'pod.inject.chaperone.dev',
      admissionReviewVersions: ['v1'],
      sideEffects: 'None',
      clientConfig: { service: { namespace, name: 'chaperone-webhook', path: '/mutate' } },
      rules: [],
    };
    const body = { metadata: { name: 'upgraded' }, webhooks: [webhook] };
    const { status } = await server.request('POST', `/apis/admissionregistration.k8s.io/v1/${kind}`, body);
    assert.equal(status, 201);
  });
  after(async () => {
    await api.close();
    await server.close();
  });

  test('stay public while an operator of a former version serves, and then become secret', async (t) => {
    const operator = { 'app.kubernetes.io/name': 'chaperone', 'app.kubernetes.io/component': 'operator' };
    const pods = `/api/v1/namespaces/${namespace}/pods`;
    for (const [name, more] of [
      ['old', {}],
      ['new', { 'chaperone.dev/serves-secret-paths': 'true' }],
    ] as const) {
      const { status } = await server.request('POST', pods, pod(name, { labels: { ...operator, ...more } }));
      assert.equal(status, 201);
    }
    const clock = new HeldClock();
    const usesFormer = followFormerPaths({ client: api, configurations: upgraded, now: clock.read });
    let looks = 0;
    const counting = {
      send: <T>(request: Parameters<ApiClient['send']>[0]): Promise<T> => {
        if (request.path === pods) looks += 1;
        return api.send<T>(request);
      },
    };
    const publisher = startPathPublisher({
      client: counting,
      namespace,
      configurations: upgraded,
      log,
      intervalMs: 50,
    });
    atEnd(t, publisher.stop);
    await until(() => looks > 1, 'operators to be looked for');
    assert.equal(await pathOf('upgraded'), '/mutate');
    assert.equal(await usesFormer(), true);

    assert.equal((await server.request('DELETE', `${pods}/old?gracePeriodSeconds=0`)).status, 200);
    const key = await openWebhookKey({ client: api, namespace });
    await until(async () => (await pathOf('upgraded')) === secretPath(key, 'mutate'), 'the path to be published');
    assert.equal(await usesFormer(), true, 'an API server that has not read it yet is answered no more');
    clock.advance(61_000);
    assert.equal(await usesFormer(), false);
  });

  test('change with the Secret that they are derived from', async (t) => {
    const publisher = startPathPublisher({ client: api, namespace, configurations: upgraded, log, intervalMs: 50 });
    atEnd(t, publisher.stop);
    const before = await until(async () => {
      const path = await pathOf('upgraded');
      return path !== '/mutate' && path;
    }, 'a secret path');
    await server.request('DELETE', `/api/v1/namespaces/${namespace}/secrets/${webhookKeySecretName}`);
    await until(async () => (await pathOf('upgraded')) !== before, 'another path');
  });

  test('are derived from one key, whichever operator makes it', async () => {
    await makeHands(api).create('Namespace', 'crowded');
    const opened = await Promise.all([1, 2, 3, 4].map(() => openWebhookKey({ client: api, namespace: 'crowded' })));
    assert.equal(new Set(opened.map((key) => key.toString('hex'))).size, 1);
  });

  async function pathOf(name: string): Promise<string | undefined> {
    const path = `/apis/admissionregistration.k8s.io/v1/${kind}/${name}`;
    const { webhooks } = await api.send<{ webhooks: { clientConfig: { service: { path?: string } } }[] }>({
      method: 'GET',
      path,
    });
    return webhooks[0]?.clientConfig.service.path;
  }
});

interface PodOptions {
  readonly labels?: object;
  readonly annotations?: object;
  readonly spec?: object;
}

function pod(name: string, { labels = {}, annotations = {}, spec }: PodOptions = {}): object {
  return { metadata: { name, labels, annotations }, spec: { containers: [{ name: 'app', image: 'app' }], ...spec } };
}

function reading(secretName: string, labels: object = {}): object {
  return pod('x', { labels, spec: { volumes: [{ name: 'v', secret: { secretName } }] } });
}

/** As the version before these guards injected it: another user, another volume, no proof. */
function formerPod(name: string): object {
  return pod(name, {
    labels: { ...inject, ...injected },
    annotations: { 'chaperone.dev/injected-hash': 'fedcba9876543210' },
    spec: {
      initContainers: [
        {
          name: 'chaperone-proxy',
          image: 'chaperone:former',
          restartPolicy: 'Always',
          securityContext: { runAsUser: 65_532 },
          volumeMounts: [
            { name: 'chaperone-credentials', mountPath: '/etc/chaperone/credentials' },
            { name: 'chaperone-data', mountPath: '/var/lib/chaperone' },
          ],
        },
      ],
      volumes: [
        { name: 'chaperone-credentials', secret: { secretName: 'chaperone-acme' } },
        { name: 'chaperone-data', emptyDir: {} },
      ],
    },
  });
}

/** The chart's own, led to a server on this machine. */
async function renderGuards(port: number) {
  const objects = parseRendered(await render('--set', 'database.bundled.enabled=true,crds.install=false'));
  return objects
    .filter(({ apiVersion }) => apiVersion === 'admissionregistration.k8s.io/v1')
    .map(({ webhooks, ...object }) => ({
      ...object,
      ...(Array.isArray(webhooks) && {
        webhooks: webhooks.map((webhook: object) => ({
          ...webhook,
          clientConfig: { url: `https://127.0.0.1:${port}/` },
        })),
      }),
    }));
}

function create(namespace: string, body: object, isDryRun = false) {
  return server.request('POST', `/api/v1/namespaces/${namespace}/pods${isDryRun ? '?dryRun=All' : ''}`, body);
}

/** A strategic merge patch, as kubectl sends it. */
async function patch(path: string, body: object): Promise<{ status: number; body: { message?: string } }> {
  const dispatcher = new Agent({ connect: { ca: server.ca } });
  try {
    const response = await fetch(`${server.url}${path}`, {
      method: 'PATCH',
      dispatcher,
      headers: {
        authorization: `Bearer ${server.token}`,
        'content-type': 'application/strategic-merge-patch+json',
      },
      body: JSON.stringify(body),
    });
    return { status: response.status, body: JSON.parse(await response.text()) };
  } finally {
    await dispatcher.close();
  }
}

function relabel(name: string, value: string | null) {
  return patch(`/api/v1/namespaces/shop/pods/${name}?dryRun=All`, labels({ 'chaperone.dev/injected': value }));
}

function debug(name: string, container: object) {
  const ephemeralContainers = [{ name: `debugger-${randomUUID()}`, image: 'busybox', ...container }];
  return patch(`/api/v1/namespaces/shop/pods/${name}/ephemeralcontainers`, { spec: { ephemeralContainers } });
}

function exec(name: string, container: string) {
  return server.request('POST', `/api/v1/namespaces/shop/pods/${name}/exec?container=${container}&command=ls`);
}
