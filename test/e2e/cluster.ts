import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import { stringify } from 'yaml';
import { namespace as operatorNamespace } from '../../scripts/cluster/product.ts';
import { openTarget } from '../../scripts/cluster/target.ts';
import { atEnd, type Scope } from '../scope.ts';
import { until } from '../until.ts';

/** For a suite's options: why it is skipped, if it is. */
export const skip =
  process.env.KUBECONFIG === undefined &&
  'KUBECONFIG names no cluster; bring one up by `npm run cluster:up` and set it as that says';

export { operatorNamespace };

// Opened by the first that needs it: importing this must not bring a cluster up.
let opened: ReturnType<typeof openTarget> | undefined;
export const target = () => {
  opened ??= openTarget(process.env);
  return opened;
};

/** Runs kubectl. @returns its standard output */
export async function kubectl(...args: string[]): Promise<string> {
  return (await target()).kubectl(args);
}

export async function helm(...args: string[]): Promise<string> {
  return (await target()).helm(args);
}

/** Applies objects; those that name no namespace go into `namespace`. */
export async function apply(namespace: string, ...objects: object[]): Promise<string> {
  const input = objects.map((object) => stringify(object)).join('---\n');
  return (await target()).kubectl(['apply', '--namespace', namespace, '--filename', '-'], { input });
}

/** What kubectl knows of an object. */
export async function getJson<T>(...args: string[]): Promise<T> {
  return JSON.parse(await kubectl('get', ...args, '--output=json'));
}

/** An organization with a namespace, a key and a persona of its own, taken away at the end of the scope. */
export interface Tenant {
  /** Of the organization, and of the namespace. */
  readonly name: string;
  readonly organizationId: string;
  readonly personaId: string;
}

export function organizationOf(name: string, more: object = {}): object {
  return resource('Organization', name, {
    namespaceSelector: { matchLabels: { 'example.com/tenant': name } },
    providers: [{ name: 'openai', type: 'openai' }],
    sharing: [{ namespace: name, users: ['alice@example.com'] }],
    deletionPolicy: 'Delete',
    ...more,
  });
}

export function personaOf(tenant: string, content: string): object {
  return resource('Persona', 'agent', { organizationRef: { name: tenant }, name: 'Agent', content });
}

/** The binding `shared` for everyone, and `alice` for her. */
export function bindingsOf(tenant: string): object[] {
  const spec = {
    organizationRef: { name: tenant },
    provider: 'openai',
    secretKeyRef: { name: 'openai', key: 'key' },
  };
  return [
    { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'openai' }, stringData: { key: 'sk-sandbox' } },
    resource('ApiKeyBinding', 'shared', spec),
    resource('ApiKeyBinding', 'alice', { ...spec, user: 'alice@example.com' }),
  ];
}

function resource(kind: string, name: string, spec: object): object {
  return { apiVersion: 'chaperone.dev/v1alpha1', kind, metadata: { name }, spec };
}

/** @param more fields of the Organization's spec, perhaps by the tenant's name */
export async function makeTenant(scope: Scope, more: object | ((name: string) => object) = {}): Promise<Tenant> {
  const name = `e2e-${randomBytes(4).toString('hex')}`;
  atEnd(scope, () => removeTenant(name));
  const labels = { 'example.com/tenant': name };
  const script = await readFile(join(import.meta.dirname, 'workload.mjs'), 'utf8');
  await apply(
    name,
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } },
    organizationOf(name, typeof more === 'function' ? more(name) : more),
    personaOf(name, 'Speak like a pirate.'),
    ...bindingsOf(name),
    { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'workload' }, data: { 'workload.mjs': script } },
  );
  await kubectl('wait', '--for=condition=Ready', `organization/${name}`, '--timeout=180s');
  await kubectl('wait', '-n', name, '--for=condition=Ready', 'personas,apikeybindings', '--all', '--timeout=180s');
  const idOf = (...args: string[]) => kubectl('get', ...args, '--output=jsonpath={.status.id}');
  return {
    name,
    organizationId: await idOf('organization', name),
    personaId: await idOf('persona', 'agent', '--namespace', name),
  };
}

async function removeTenant(name: string): Promise<void> {
  const kinds = 'personas,apikeybindings,analysisconfigs';
  await kubectl('delete', kinds, '--all', '--namespace', name, '--timeout=180s');
  await kubectl('delete', 'organization', name, '--ignore-not-found', '--timeout=180s');
  await kubectl('delete', 'namespace', name, '--ignore-not-found', '--wait=false');
}

export interface WorkloadOptions {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

/** A pod's template: the unchanged SDK in an image that knows nothing of the product. */
export function podTemplate(args: readonly string[], { annotations = {}, labels = {} }: WorkloadOptions = {}) {
  return {
    metadata: { annotations, labels: { 'chaperone.dev/inject': 'true', app: 'workload', ...labels } },
    spec: {
      terminationGracePeriodSeconds: 5,
      restartPolicy: 'Never',
      containers: [
        {
          name: 'app',
          image: 'chaperone-example:dev',
          command: ['node', ...args],
          env: [{ name: 'OPENAI_CUSTOM_HEADERS', value: 'X-User-ID: bob@example.com' }],
          volumeMounts: [{ name: 'workload', mountPath: '/app/e2e' }],
        },
      ],
      volumes: [{ name: 'workload', configMap: { name: 'workload' } }],
    },
  };
}

/** A Deployment that waits to be told what to call, ready. */
export async function startWorkload(namespace: string, options: WorkloadOptions = {}): Promise<void> {
  const template = podTemplate(['-e', 'setInterval(() => {}, 1 << 30)'], options);
  await apply(namespace, {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'workload' },
    spec: {
      selector: { matchLabels: { app: 'workload' } },
      template: { ...template, spec: { ...template.spec, restartPolicy: 'Always' } },
    },
  });
  await kubectl('rollout', 'status', 'deployment/workload', '--namespace', namespace, '--timeout=180s');
}

/** What became of a call. */
export interface CallOutcome {
  readonly session: string;
  readonly id?: string;
  readonly text?: string;
  readonly status?: number;
  readonly code?: string;
  readonly message?: string;
}

/** Has the workload make a call. */
export async function call(namespace: string, body: object, options: object = {}): Promise<CallOutcome> {
  const request = { model: 'gpt-4o', input: 'Hi', ...body };
  const command = ['node', '/app/e2e/workload.mjs', '1', JSON.stringify(request), JSON.stringify(options)];
  const output = await kubectl('exec', '-n', namespace, await findWorkload(namespace), '-c', 'app', '--', ...command);
  return parseOutcomes(output)[0] ?? { session: '' };
}

/** The workload's pod that stays: of a Deployment, kubectl takes the one that is ready for longest, even if it is going. */
async function findWorkload(namespace: string): Promise<string> {
  const { items } = await getJson<{ items: { metadata: { name: string; deletionTimestamp?: string } }[] }>(
    ...['pods', '--namespace', namespace, '--selector=app=workload,!job-name'],
  );
  const [pod] = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  if (!pod) throw new Error(`Namespace ${namespace} has no workload`);
  return pod.metadata.name;
}

export function parseOutcomes(output: string): CallOutcome[] {
  return output.split('\n').flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as CallOutcome] : []));
}

/** Runs with a port of this machine's that leads to a service, of the product's unless another namespace is named. */
export async function withService<T>(
  service: string,
  port: number,
  use: (local: number) => Promise<T>,
  namespace: string = operatorNamespace,
): Promise<T> {
  const { kubectlPath, env } = await target();
  const args = ['port-forward', '--namespace', namespace, `service/${service}`, `:${port}`];
  const child = spawn(kubectlPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const local = /127\.0\.0\.1:(\d+) ->/.exec(line)?.[1];
      if (local !== undefined) return await use(Number(local));
    }
    throw new Error(`kubectl could not forward a port to ${service}`);
  } finally {
    child.kill();
    await exited;
  }
}

/**
 * Has the kubelet bring what Secrets have now to these pods at once, by a change of each pod. By itself it looks after a
 * minute or more.
 *
 * @param pods kubectl's arguments that select them
 * @see https://kubernetes.io/docs/tasks/configure-pod-container/configure-pod-configmap/#mounted-configmaps-are-updated-automatically
 */
export async function mountNow(...pods: readonly string[]): Promise<void> {
  await kubectl('annotate', 'pods', ...pods, '--overwrite', `example.com/mounted-at=${Date.now()}`);
}

/** Waits until the workers have the credentials of an organization. */
export async function mountForWorkers(organizationId: string): Promise<void> {
  const ours = ['--namespace', operatorNamespace];
  const handedOut = () => kubectl('get', 'secrets', ...ours, '--output=jsonpath={range .items[*]}{.data}{end}');
  await until(async () => (await handedOut()).includes(`"${organizationId}.json"`), 'its credentials for workers');
  await mountNow(...ours, '--selector=app.kubernetes.io/component=worker');
}

/** Deletes the pod of the bundled database, and waits until the next one serves. */
export async function restartDatabase(): Promise<void> {
  const pod = ['pod', 'chaperone-database-0', '--namespace', operatorNamespace];
  await kubectl('delete', ...pod);
  const readiness = '--output=jsonpath={.status.conditions[?(@.type=="Ready")].status}';
  const isReady = async () => (await kubectl('get', ...pod, '--ignore-not-found', readiness)) === 'True';
  await until(isReady, 'the database to be back', 180_000);
}

/** Queries the bundled database as its owner. */
export async function query<Row extends object>(sql: string, parameters: unknown[]): Promise<Row[]> {
  const secret = ['secret', 'chaperone-database', '--namespace', operatorNamespace];
  const password = Buffer.from(await kubectl('get', ...secret, '--output=jsonpath={.data.owner-password}'), 'base64');
  return withService('chaperone-database', 5432, async (port) => {
    const connectionString = `postgres://chaperone:${password.toString()}@127.0.0.1:${port}/chaperone`;
    const client = new Client({ connectionString });
    await client.connect();
    try {
      return (await client.query<Row>(sql, parameters)).rows;
    } finally {
      await client.end();
    }
  });
}
