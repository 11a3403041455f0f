import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { injectionSettingsOf } from '../../cli/check/cluster/injection-settings.ts';
import { customKinds, readDefinition } from '../../crds/definition.ts';
import { customKindEntries } from '../../crds/kinds.generated.ts';
import { issueAuthority, issueServing, type KeyPair } from '../../operator/certificates/issue.ts';
import { filesOfProxies } from '../../operator/credentials.ts';
import { hashAnnotation, sidecarName } from '../../operator/injection/marks.ts';
import { readPodSettings } from '../../operator/injection/settings.ts';
import { makeSidecar } from '../../operator/injection/sidecar.ts';
import { until } from '../until.ts';
import type { ApiAnswer, ApiServer } from './api-server.ts';

export const ownVersion = '0.1.0';
export const operatorNamespace = 'chaperone-system';
const host = `chaperone-webhook.${operatorNamespace}.svc`;
const custom = '/apis/chaperone.dev/v1alpha1';
const system = `namespaces/${operatorNamespace}`;
const dayMs = 24 * 3_600_000;

/** Where the objects of an installation are. */
export const paths = {
  deployment: `/apis/apps/v1/${system}/deployments/chaperone`,
  lease: `/apis/coordination.k8s.io/v1/${system}/leases/chaperone-operator`,
  endpoints: `/apis/discovery.k8s.io/v1/${system}/endpointslices/chaperone-webhook-1`,
  certificate: `/api/v1/${system}/secrets/chaperone-webhook-tls`,
  mutating: '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/chaperone',
  validating: '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/chaperone',
  organization: `${custom}/organizations/acme`,
  persona: `${custom}/namespaces/shop/personas/support`,
  binding: `${custom}/namespaces/shop/apikeybindings/openai`,
  credentials: '/api/v1/namespaces/shop/secrets/chaperone-acme',
  pod: '/api/v1/namespaces/shop/pods/web',
  personaDefinition: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/personas.chaperone.dev',
} as const;

interface Stated {
  readonly status?: object;
  readonly [field: string]: unknown;
}

/** Creates an object, with its status where it has one. */
export async function create(server: ApiServer, path: string, object: Stated): Promise<void> {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const { status, ...body } = { metadata: { name }, ...object };
  const answer = await server.request('POST', path.slice(0, path.lastIndexOf('/')), body);
  assert.equal(answer.status, 201, `${path}: ${JSON.stringify(answer.body)}`);
  if (status) await putStatus(server, path, status);
}

export async function putStatus(server: ApiServer, path: string, status: object): Promise<void> {
  const stored = await read(server, path);
  const answer = await server.request('PUT', `${path}/status`, { ...stored, status });
  assert.equal(answer.status, 200, `${path}: ${JSON.stringify(answer.body)}`);
}

/** Replaces an object by what `change` makes of it, however often the server itself writes to it in between. */
export async function edit(
  server: ApiServer,
  path: string,
  change: (object: ApiAnswer['body']) => object,
): Promise<void> {
  const replace = async () => server.request('PUT', path, change(await read(server, path)));
  let answer = await replace();
  while (answer.status === 409) answer = await replace();
  assert.equal(answer.status, 200, `${path}: ${JSON.stringify(answer.body)}`);
}

export async function remove(server: ApiServer, path: string): Promise<void> {
  const answer = await server.request('DELETE', `${path}?gracePeriodSeconds=0`);
  assert.equal(answer.status, 200, `${path}: ${JSON.stringify(answer.body)}`);
  await until(async () => (await server.request('GET', path)).status === 404, `${path} to be gone`);
}

async function read(server: ApiServer, path: string): Promise<ApiAnswer['body']> {
  const { status, body } = await server.request('GET', path);
  assert.equal(status, 200, `${path}: ${JSON.stringify(body)}`);
  return body;
}

export async function installDefinitions(server: ApiServer): Promise<void> {
  for (const kind of customKinds) {
    const text = await readFile(join(import.meta.dirname, '../../crds', customKindEntries[kind].file), 'utf8');
    await create(
      server,
      paths.personaDefinition.replace('personas.chaperone.dev', parse(text).metadata.name),
      parse(text),
    );
  }
  for (const kind of customKinds) {
    const list = `${custom}/${readDefinition(kind).names.plural}`;
    await until(async () => (await server.request('GET', list)).status === 200, `${list} to be served`);
  }
}

/** Everything that a working installation leaves in a cluster, with one member namespace and one governed pod. */
export async function install(server: ApiServer): Promise<void> {
  await create(server, `/api/v1/${system}`, {});
  await create(server, '/api/v1/namespaces/shop', {
    metadata: { name: 'shop', labels: { team: 'shop' } },
  });
  await installDefinitions(server);
  await create(server, paths.deployment, deployment);
  await create(server, paths.lease, { spec: makeLease(new Date()) });
  await create(server, paths.endpoints, {
    metadata: { name: 'chaperone-webhook-1', labels: { 'kubernetes.io/service-name': 'chaperone-webhook' } },
    addressType: 'IPv4',
    endpoints: [{ addresses: ['10.1.0.1'], conditions: { ready: true } }],
    ports: [],
  });
  const nowMs = Date.now();
  const authority = await issueAuthority({ lifetimeMs: 365 * dayMs, nowMs });
  await create(server, paths.certificate, toSecret(await makeServing(authority, 90)));
  for (const path of [paths.mutating, paths.validating]) await create(server, path, makeWebhooks(authority));
  await create(server, paths.organization, organization);
  await create(server, paths.persona, persona);
  await create(server, paths.binding, binding);
  await create(server, paths.credentials, credentials);
  await create(server, paths.pod, makePod('web', { isInjected: true }));
}

/** What is in it is nobody's concern here, but what there is. */
export const credentials = {
  metadata: { name: 'chaperone-acme', labels: { 'chaperone.dev/organization': 'acme' } },
  data: Object.fromEntries(filesOfProxies.map((file) => [file, ''])),
};

export function makeServing(authority: KeyPair, days: number): Promise<KeyPair> {
  return issueServing(authority, [host], { lifetimeMs: days * dayMs, nowMs: Date.now() });
}

export function toSecret({ certificate, privateKey }: KeyPair): Stated {
  const encode = (text: string) => Buffer.from(text).toString('base64');
  return { type: 'kubernetes.io/tls', data: { 'tls.crt': encode(certificate), 'tls.key': encode(privateKey) } };
}

export function makeLease(renewed: Date): object {
  const renewTime = renewed.toISOString().replace('Z', '000Z');
  // An hour, so that no test has to renew it.
  return { holderIdentity: 'chaperone-0', leaseDurationSeconds: 3_600, renewTime };
}

function makeWebhooks({ certificate }: KeyPair): Stated {
  return {
    webhooks: [
      {
        name: 'inject.chaperone.dev',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        clientConfig: {
          service: { namespace: operatorNamespace, name: 'chaperone-webhook', path: `/mutate/${'0'.repeat(64)}` },
          caBundle: Buffer.from(certificate).toString('base64'),
        },
        // Nothing serves it here, so nothing is to be asked.
        rules: [],
      },
    ],
  };
}

const labels = {
  'app.kubernetes.io/name': 'chaperone',
  'app.kubernetes.io/component': 'operator',
  'app.kubernetes.io/version': ownVersion,
};

const deployment = {
  metadata: { name: 'chaperone', labels },
  spec: {
    replicas: 2,
    selector: { matchLabels: labels },
    template: {
      metadata: { labels },
      spec: {
        containers: [
          {
            name: 'operator',
            image: `chaperone:${ownVersion}`,
            args: ['operator', `--image=chaperone:${ownVersion}`, '--sidecar-resources={"requests":{"cpu":"20m"}}'],
          },
        ],
      },
    },
  },
  status: { observedGeneration: 1, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 },
};

function condition(type: string, status: string, reason: string, message: string): object {
  return { type, status, reason, message, observedGeneration: 1, lastTransitionTime: '2026-01-01T00:00:00Z' };
}

const isReady = condition('Ready', 'True', 'Ready', 'It is in force.');
export const ready = { observedGeneration: 1, conditions: [isReady] };

export function notReady(reason: string, message: string): object {
  return { observedGeneration: 1, conditions: [condition('Ready', 'False', reason, message)] };
}

export const organizationStatus = {
  observedGeneration: 1,
  id: '0d6c9bb4-6f0c-4c9b-9b39-2f6a35d8ac11',
  memberNamespaces: ['shop'],
  conditions: [
    isReady,
    condition('DatabaseReady', 'True', 'Stored', 'It is stored.'),
    condition('DatabaseLimited', 'True', 'Limited', 'It is limited.'),
  ],
};

const organization = {
  apiVersion: 'chaperone.dev/v1alpha1',
  kind: 'Organization',
  spec: { namespaceSelector: { matchLabels: { team: 'shop' } }, providers: [{ name: 'openai', type: 'openai' }] },
  status: organizationStatus,
};

const persona = {
  apiVersion: 'chaperone.dev/v1alpha1',
  kind: 'Persona',
  spec: { organizationRef: { name: 'acme' }, name: 'Support', content: 'Be brief.' },
  status: ready,
};
const binding = {
  apiVersion: 'chaperone.dev/v1alpha1',
  kind: 'ApiKeyBinding',
  spec: {
    organizationRef: { name: 'acme' },
    provider: 'openai',
    secretKeyRef: { name: 'openai', key: 'api-key' },
  },
  status: { ...ready, secretName: 'openai-synthetic-key' },
};

/** A pod that asks for the sidecar, and perhaps has it as the operator above would inject it. */
export function makePod(name: string, { isInjected, changes = {} }: { isInjected: boolean; changes?: object }): Stated {
  const settings = readPodSettings(injectionSettingsOf([{ ...deployment, metadata: meta }], operatorNamespace));
  assert(typeof settings !== 'string');
  const place = { organization: 'acme', namespace: 'shop', workload: name, graceSeconds: 30, limitsStorage: false };
  const { container, volumes, hash } = makeSidecar(settings, place);
  const key = { name: 'OPENAI_API_KEY', valueFrom: { secretKeyRef: { name: 'openai-synthetic-key', key: 'api-key' } } };
  const app = { name: 'app', image: 'app:1', ...(isInjected && { env: [key] }) };
  return {
    metadata: {
      name,
      labels: { 'chaperone.dev/inject': 'true' },
      annotations: isInjected ? { [hashAnnotation]: hash } : {},
    },
    spec: {
      containers: [app],
      ...(isInjected && { initContainers: [container], volumes: [...volumes] }),
      ...changes,
    },
    status: {
      phase: 'Running',
      ...(isInjected && { initContainerStatuses: [sidecarStatus(true, { running: {} })] }),
    },
  };
}

const meta = { name: 'chaperone', uid: '', resourceVersion: '', creationTimestamp: '' };

export function sidecarStatus(isRunning: boolean, state: object): object {
  return { name: sidecarName, image: '', imageID: '', ready: isRunning, restartCount: isRunning ? 0 : 3, state };
}
