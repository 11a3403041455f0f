import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { before, describe, test } from 'node:test';
import { connect } from 'node:tls';
import { Registry } from 'prom-client';
import { Agent, fetch } from 'undici';
import { toCertificateData } from '../../operator/certificates/certificate-secret.ts';
import { type CertificatePolicy, defaultCertificatePolicy } from '../../operator/certificates/decide.ts';
import { issueAuthority, issueServing } from '../../operator/certificates/issue.ts';
import { startCertificateManager } from '../../operator/certificates/manage.ts';
import type { WebhookConfiguration } from '../../operator/certificates/publish.ts';
import { certificateFromSecret } from '../../operator/certificates/source.ts';
import type { ApiRequest } from '../../operator/cluster/kubernetes/api-client.ts';
import {
  type ApiClient,
  type KubernetesCluster,
  makeApiClient,
  makeKubernetesCluster,
} from '../../operator/cluster/kubernetes.ts';
import type { Container, Pod } from '../../operator/injection/pod.ts';
import { startPathPublisher } from '../../operator/injection/publish-paths.ts';
import { defaultSidecar } from '../../operator/injection/settings.ts';
import { startInjection } from '../../operator/injection/start.ts';
import { followWebhookKeys, openWebhookKey, secretPath } from '../../operator/injection/webhook-key.ts';
import { freePort } from '../free-port.ts';
import { HeldClock } from '../held-clock.ts';
import { suiteScope } from '../scope.ts';
import { until } from '../until.ts';
import type { ApiServer } from './api-server.ts';
import { kubeConfigOf, log, skip, startServerWithKinds } from './cluster-under-test.ts';
import { makeHands, organization } from './resources.ts';

const operatorNamespace = 'chaperone-system';

/** Namespaces by the names of the organizations they belong to, or of what is special about them. */
const namespaces = {
  shop: { team: 'acme' },
  governed: { team: 'acme', 'chaperone.dev/inject': 'true' },
  both: { team: 'everyone' },
  unreachable: { team: 'acme', webhook: 'unreachable' },
  rotating: { team: 'acme', webhook: 'rotating' },
  rotated: { team: 'acme', webhook: 'rotated' },
};

/** What webhooks of their own ask of those that name one. */
const webhookIn = (...values: string[]) => ({ key: 'webhook', operator: 'In', values });
const selecting = (requirement: object) => ({ matchExpressions: [requirement] });

const selectorOf = (organization: string) => ({
  matchExpressions: [{ key: 'team', operator: 'In', values: [organization, 'everyone'] }],
});

describe('pods that are created through an API server', { skip }, () => {
  const scope = suiteScope();
  let server: ApiServer;
  let request: Request;
  let client: ApiClient;
  let cluster: KubernetesCluster;
  let key: Buffer;

  before(async () => {
    server = await startServerWithKinds();
    scope.after(() => server.close());
    const dispatcher = new Agent({ connect: { ca: server.ca } });
    scope.after(() => dispatcher.close());
    request = makeRequest(server, dispatcher);
    client = makeApiClient({ kubeConfig: kubeConfigOf(server) });
    scope.after(() => client.close());
    const hands = makeHands(client);
    await hands.create('Namespace', operatorNamespace);
    for (const [name, labels] of Object.entries(namespaces)) await hands.create('Namespace', name, {}, { labels });
    for (const name of ['acme', 'umbrella']) {
      await hands.create('Organization', name, organization({ namespaceSelector: selectorOf(name) }));
    }
    cluster = makeKubernetesCluster({ client, namespace: operatorNamespace, log });
    scope.after(() => cluster.close());
    await cluster.start();
    key = await openWebhookKey({ client, namespace: operatorNamespace });
    // As a reconciler would have stated it.
    for (const name of ['acme', 'umbrella']) {
      const status = { id: randomUUID(), memberNamespaces: Object.keys(namespaces), keptNamespaces: [] };
      await cluster.updateStatus({ kind: 'Organization', namespace: '', name }, status);
    }
    const { port } = await startWebhooks('chaperone');
    await configure('mutatingwebhookconfigurations', 'chaperone', port, 'Fail', {
      key: 'webhook',
      operator: 'DoesNotExist',
    });
    const notRotating = { key: 'webhook', operator: 'NotIn', values: ['rotating'] };
    await configure('validatingwebhookconfigurations', 'chaperone', port, 'Fail', notRotating);
    await configure('mutatingwebhookconfigurations', 'down', await freePort(), 'Ignore', webhookIn('unreachable'));
    await untilConfigured('shop');
    await until(async () => {
      const { body } = await create('unreachable', pod({ name: 'probe' }), '?dryRun=All');
      return body.message?.includes('SidecarMissing');
    }, 'the validating webhook');
  });

  test('get the sidecar where they ask for it', async () => {
    const { status, body } = await create('shop', pod({ name: 'web' }));
    assert.equal(status, 201, JSON.stringify(body));
    const { metadata, spec } = body;
    assert.deepEqual(names(spec.initContainers), ['chaperone-proxy']);
    assert.equal(spec.containers[0]?.env?.[0]?.value, 'http://127.0.0.1:8000/v1');
    assert.match(metadata.annotations?.['chaperone.dev/injected-hash'] ?? '', /^[0-9a-f]{16}$/);
  });

  test('get it where their namespace asks for it, before their own init containers', async () => {
    const asked = pod({ name: 'web', labels: {}, initContainers: [{ name: 'prepare', image: 'prepare' }] });
    const { status, body } = await create('governed', asked);
    assert.equal(status, 201, JSON.stringify(body));
    assert.deepEqual(names(body.spec.initContainers), ['chaperone-proxy', 'prepare']);
  });

  test('stay unchanged where nobody asks', async () => {
    const { status, body } = await create('shop', pod({ name: 'plain', labels: {} }));
    assert.equal(status, 201);
    const { metadata, spec } = body;
    assert.equal(spec.initContainers, undefined);
    assert.equal(metadata.annotations, undefined);
  });

  test('are refused with the remedy', async () => {
    // Of two Organizations that select a namespace, the older one has it.
    const { status, body } = await create('both', pod({ name: 'torn' }));
    assert.equal(status, 201, JSON.stringify(body));
    const isAcmes = JSON.stringify(body).includes('"chaperone-acme"');
    const asked = { 'chaperone.dev/organization': isAcmes ? 'umbrella' : 'acme' };
    const other = await create('both', pod({ name: 'torn-too', annotations: asked }));
    assert.equal(other.status, 403);
    assert.match(other.body.message ?? '', /also selects it, and is older.*\(NamespaceNotMember\)/);
  });

  test('are skipped with an Event on their owner', async () => {
    const owner = { apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'agent', uid: 'b4e3', controller: true };
    const asked = pod({ name: 'agent-1', hostNetwork: true });
    const { status, body } = await create('shop', {
      ...asked,
      metadata: { ...asked.metadata, ownerReferences: [owner] },
    });
    assert.equal(status, 201, JSON.stringify(body));
    assert.equal(body.spec.initContainers, undefined);
    const path = '/apis/events.k8s.io/v1/namespaces/shop/events';
    const event = await until(async () =>
      (await request({ method: 'GET', path })).body.items?.find(({ reason }) => reason === 'InjectionSkipped'),
    );
    assert.partialDeepStrictEqual(event, {
      reason: 'InjectionSkipped',
      regarding: { kind: 'DaemonSet', name: 'agent' },
    });
    assert.match(event.note, /^HostNetwork: /);
  });

  test('have an Event where the application gets no key', async () => {
    const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'keyless', uid: 'c1a7', controller: true };
    const asked = pod({ name: 'keyless-1' });
    const { status } = await create('shop', { ...asked, metadata: { ...asked.metadata, ownerReferences: [owner] } });
    assert.equal(status, 201);
    const path = '/apis/events.k8s.io/v1/namespaces/shop/events';
    const event = await until(async () =>
      (await request({ method: 'GET', path })).body.items?.find(
        ({ reason, regarding }) => reason === 'NoSyntheticKey' && regarding?.name === 'keyless',
      ),
    );
    assert.match(event.note, /no ready ApiKeyBinding of Organization "acme"/);
  });

  test('are refused without the sidecar even while the webhook is away and its failures are ignored', async () => {
    const { status, body } = await create('unreachable', pod({ name: 'web' }));
    assert.equal(status, 403);
    assert.match(
      body.message ?? '',
      /does not have it, because the webhook that adds it was not reached.*SidecarMissing/,
    );
    assert.equal((await create('unreachable', pod({ name: 'plain', labels: {} }))).status, 201);
  });

  test('are all injected while the certificates rotate', async () => {
    const clock = new HeldClock();
    const policy = { ...defaultCertificatePolicy, names: ['127.0.0.1', 'localhost'], publicationMs: 10_000 };
    // Both are due in ten seconds of that clock.
    const ageOf = (lifetimeMs: number) => ({ lifetimeMs, nowMs: clock.read() - (lifetimeMs * 2) / 3 + 10_000 });
    const authority = await issueAuthority(ageOf(policy.authorityLifetimeMs));
    const serving = await issueServing(authority, policy.names, ageOf(policy.servingLifetimeMs));
    const seeded = { authority, serving, trusted: [authority.certificate] };
    const ownerUid = cluster.get('Namespace', '', operatorNamespace)?.metadata.uid ?? '';
    const data = toCertificateData(seeded);
    await cluster.applySecret({ namespace: operatorNamespace, name: 'rotating-tls', data, ownerUid });
    const { port } = await startWebhooks('rotating', policy, clock.read);
    await configure('mutatingwebhookconfigurations', 'rotating', port, 'Fail', webhookIn('rotating'));
    await untilConfigured('rotating');
    let pods = 0;
    const createInjected = async () => {
      const { status, body } = await create('rotating', pod({ name: `web-${pods++}` }));
      assert.equal(status, 201, JSON.stringify(body));
      assert.deepEqual(names(body.spec.initContainers), ['chaperone-proxy']);
    };

    const former = await publishedBundle('rotating');
    const formerIssuer = await shakeHands(port, former);
    clock.advance(10_000);
    const bundle = await until(async () => {
      await createInjected();
      const published = await publishedBundle('rotating');
      return published !== former && published;
    }, 'a new authority to be published');
    assert.ok(bundle.startsWith(former), 'the former authority is trusted no more');
    assert.equal(await shakeHands(port, bundle), formerIssuer, 'what it signs is shown before API servers know it');

    // Who calls the webhook for this namespace has read the configuration since then, and so the authority.
    await change('rotating', {
      path: '/webhooks/0/namespaceSelector',
      value: selecting(webhookIn('rotating', 'rotated')),
    });
    await untilConfigured('rotated');
    clock.advance(policy.publicationMs);
    await until(async () => {
      await createInjected();
      return (await shakeHands(port, bundle)) !== formerIssuer;
    }, 'a certificate of the new authority');

    // Another address makes the API server connect anew.
    await change('rotating', {
      path: '/webhooks/0/clientConfig/url',
      value: `https://localhost:${port}${secretPath(key, 'mutate')}`,
    });
    for (let more = 0; more < 20; more++) await createInjected();
  });

  async function startWebhooks(name: string, policy?: CertificatePolicy, now = Date.now) {
    const secret = { namespace: operatorNamespace, name: `${name}-tls` };
    const configurations = [
      { kind: 'mutatingwebhookconfigurations', name },
      { kind: 'validatingwebhookconfigurations', name },
    ] as const;
    const paths = startPathPublisher({ client, namespace: operatorNamespace, configurations, log, intervalMs: 100 });
    scope.after(() => paths.stop());
    const manager = startCertificateManager({
      cluster,
      client,
      secret,
      configurations,
      policy: policy ?? { ...defaultCertificatePolicy, names: ['127.0.0.1'] },
      log,
      now,
      intervalMs: 100,
    });
    scope.after(() => manager.stop());
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
    await until(() => injection.notReady() === undefined);
    return injection;
  }

  async function configure(
    kind: WebhookConfiguration['kind'],
    name: string,
    port: number,
    failurePolicy: 'Fail' | 'Ignore',
    namespaceRequirement: object,
  ): Promise<void> {
    const mutating = kind === 'mutatingwebhookconfigurations';
    const webhook = {
      name: `${name}.chaperone.dev`,
      admissionReviewVersions: ['v1'],
      clientConfig: { url: `https://127.0.0.1:${port}/${mutating ? 'mutate' : 'validate'}` },
      rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
      namespaceSelector: selecting(namespaceRequirement),
      sideEffects: 'NoneOnDryRun',
      timeoutSeconds: 10,
      failurePolicy,
      ...(mutating && { reinvocationPolicy: 'IfNeeded' }),
    };
    const path = `/apis/admissionregistration.k8s.io/v1/${kind}`;
    const { status, body } = await request({ method: 'POST', path, body: { metadata: { name }, webhooks: [webhook] } });
    assert.equal(status, 201, JSON.stringify(body));
  }

  async function change(name: string, replacement: { readonly path: string; readonly value: unknown }): Promise<void> {
    const { status, body } = await request({
      method: 'PATCH',
      path: configurationPath('mutatingwebhookconfigurations', name),
      body: [{ op: 'replace', ...replacement }],
      contentType: 'application/json-patch+json',
    });
    assert.equal(status, 200, JSON.stringify(body));
  }

  /** API servers take up webhooks some time after they were configured. */
  async function untilConfigured(namespace: string): Promise<void> {
    await until(async () => {
      const { status, body } = await create(namespace, pod({ name: 'probe' }), '?dryRun=All');
      return status === 201 && body.spec.initContainers !== undefined;
    }, `the webhooks in namespace ${namespace}`);
    const { body } = await request({ method: 'GET', path: `/api/v1/namespaces/${namespace}/pods/probe` });
    assert.match(body.message ?? '', /not found/);
  }

  async function publishedBundle(name: string): Promise<string> {
    const path = configurationPath('mutatingwebhookconfigurations', name);
    const { webhooks } = (await request({ method: 'GET', path })).body;
    return Buffer.from(webhooks?.[0]?.clientConfig.caBundle ?? '', 'base64').toString();
  }

  function create(namespace: string, body: object, query = '') {
    return request({ method: 'POST', path: `/api/v1/namespaces/${namespace}/pods${query}`, body });
  }
});

/** What is read of a pod, a Status, a list of Events and a webhook configuration. */
interface ApiBody {
  readonly message?: string;
  readonly metadata: { readonly annotations?: Record<string, string> };
  readonly spec: Pod['spec'];
  readonly items?: readonly { readonly note: string; readonly reason: string; readonly regarding?: { name: string } }[];
  readonly webhooks?: readonly { readonly clientConfig: { readonly caBundle?: string } }[];
}

type Request = (call: ApiRequest) => Promise<{ readonly status: number; readonly body: ApiBody }>;

interface PodOptions {
  readonly name: string;
  readonly labels?: Record<string, string>;
  readonly annotations?: Record<string, string>;
  readonly initContainers?: readonly object[];
  readonly hostNetwork?: boolean;
}

/** A pod that asks for injection unless its labels say otherwise. */
function pod({ name, labels = { 'chaperone.dev/inject': 'true' }, annotations, ...spec }: PodOptions) {
  return {
    metadata: { name, labels, ...(annotations && { annotations }) },
    spec: { containers: [{ name: 'app', image: 'app' }], ...spec },
  };
}

function makeRequest({ url, token }: ApiServer, dispatcher: Agent): Request {
  return async ({ method, path, body, contentType = 'application/json' }) => {
    const response = await fetch(`${url}${path}`, {
      method,
      dispatcher,
      headers: { authorization: `Bearer ${token}`, 'content-type': contentType },
      body: body ? JSON.stringify(body) : null,
    });
    return { status: response.status, body: JSON.parse(await response.text()) };
  };
}

/** @returns the issuer of the certificate that is shown, which the bundle must vouch for */
async function shakeHands(port: number, ca: string): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, ca });
  await once(socket, 'secureConnect');
  const { issuer } = socket.getPeerCertificate();
  socket.destroy();
  return String(issuer.CN);
}

function configurationPath(kind: WebhookConfiguration['kind'], name: string): string {
  return `/apis/admissionregistration.k8s.io/v1/${kind}/${name}`;
}

function names(containers: readonly Container[] = []): string[] {
  return containers.map(({ name }) => name);
}
