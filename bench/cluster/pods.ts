import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { KubeConfig } from '@kubernetes/client-node';
import type { CustomKind } from '../../crds/definition.ts';
import { isNotFound } from '../../operator/cluster/kubernetes/api-error.ts';
import { objectPath } from '../../operator/cluster/kubernetes/resources.ts';
import { type ApiClient, makeApiClient } from '../../operator/cluster/kubernetes.ts';
import { exampleImage } from '../../scripts/cluster/product.ts';
import { openTarget, type Target } from '../../scripts/cluster/target.ts';
import type { BenchmarkContext } from '../benchmark.ts';
import { createOrganization, organizationName, removeObjects, selected } from './objects.ts';
import { untilTrue } from './wait.ts';

/** The namespaces of the benchmark's objects. */
export const namespaces = { load: 'bench-load', app: 'bench-app', moving: 'bench-moving' } as const;

/** A cluster that runs pods, with the product in it as `npm run cluster:up` leaves it. */
export interface PodCluster {
  readonly client: ApiClient;
  /** Sends a JSON merge patch. @returns when the API server answered, in milliseconds since 1970 */
  change(path: string, patch: object): Promise<number>;
  /** Creates a pod. @returns when the API server answered, in milliseconds since 1970 */
  createPod(name: string, pod: PodOptions): Promise<number>;
  removePod(name: string): Promise<void>;
  /** Follows the lines that the pod's application prints, from its start. */
  follow(pod: string): Promise<LineReader>;
}

export interface PodOptions {
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly isGoverned: boolean;
}

export interface LineReader {
  /** Waits for the first unread line that `isWanted` accepts. @throws after a minute */
  next<Line>(isWanted: (line: Line) => boolean): Promise<Line>;
  stop(): Promise<void>;
}

/** Opens the cluster that KUBECONFIG names, and makes the Organization and its namespaces in it. */
export async function openPodCluster(kubeConfigFile: string, { onEnd }: BenchmarkContext): Promise<PodCluster> {
  const target = await openTarget(process.env);
  const kubeConfig = new KubeConfig();
  kubeConfig.loadFromFile(kubeConfigFile);
  const client = makeApiClient({ kubeConfig });
  onEnd(() => client.close());
  onEnd(() => clear(client));
  for (const name of Object.values(namespaces)) {
    await client.send({ method: 'POST', path: '/api/v1/namespaces', body: { metadata: { name, labels: selected } } });
  }
  await createOrganization(client, { organization: organizationName, namespace: namespaces.load }, [namespaces.app]);
  const script = await readFile(join(import.meta.dirname, 'pod', 'poll.mjs'), 'utf8');
  const configMaps = `/api/v1/namespaces/${namespaces.app}/configmaps`;
  await client.send({
    method: 'POST',
    path: configMaps,
    body: { metadata: { name: 'scripts' }, data: { 'poll.mjs': script } },
  });
  const pods = `/api/v1/namespaces/${namespaces.app}/pods`;
  return {
    client,
    async change(path, patch) {
      await client.send({ method: 'PATCH', path, contentType: 'application/merge-patch+json', body: patch });
      return Date.now();
    },
    async createPod(name, options) {
      await client.send({ method: 'POST', path: pods, body: podOf(name, options) });
      return Date.now();
    },
    async removePod(name) {
      await client.send({ method: 'DELETE', path: `${pods}/${name}`, body: { gracePeriodSeconds: 0 } });
      await untilGone(client, `${pods}/${name}`);
    },
    async follow(pod) {
      await target.kubectl([
        'wait',
        '--namespace',
        namespaces.app,
        `pod/${pod}`,
        '--for=condition=Ready',
        '--timeout=120s',
      ]);
      return followLog(target, pod);
    },
  };
}

/** Waits until an object's current generation is Ready and the operator is idle. @returns the id of its row */
export async function untilReady(
  client: ApiClient,
  kind: CustomKind,
  namespace: string,
  name: string,
): Promise<string> {
  let id: string | undefined;
  await untilTrue(async () => {
    const path = objectPath({ kind, namespace, name });
    const { metadata, status } = await client.send<Observed>({ method: 'GET', path });
    id = status?.id ?? '';
    if (status?.observedGeneration !== metadata.generation) return false;
    return status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
  }, `${kind} ${name} to be Ready`);
  return id ?? '';
}

interface Observed {
  readonly metadata: { readonly generation: number };
  readonly status?: {
    readonly id?: string;
    readonly observedGeneration?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

function podOf(name: string, { command, environment = {}, isGoverned }: PodOptions): object {
  return {
    metadata: { name, labels: isGoverned ? { 'chaperone.dev/inject': 'true' } : {} },
    spec: {
      restartPolicy: 'Never',
      terminationGracePeriodSeconds: 1,
      containers: [
        {
          name: 'app',
          image: exampleImage.name,
          command,
          env: Object.entries(environment).map(([variable, value]) => ({ name: variable, value })),
          volumeMounts: [{ name: 'scripts', mountPath: '/bench' }],
        },
      ],
      volumes: [{ name: 'scripts', configMap: { name: 'scripts' } }],
    },
  };
}

const linePatienceMs = 60_000;

function followLog({ kubectlPath, env }: Target, pod: string): LineReader {
  const args = ['logs', '--follow', '--namespace', namespaces.app, pod, '--container', 'app'];
  const child = spawn(kubectlPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  return {
    async next<Line>(isWanted: (line: Line) => boolean) {
      const deadline = performance.now() + linePatienceMs;
      for (;;) {
        for (let text = lines.shift(); text !== undefined; text = lines.shift()) {
          const line: Line = JSON.parse(text);
          if (isWanted(line)) return line;
        }
        if (performance.now() > deadline) throw new Error(`Pod ${pod} does not see what it should`);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    },
    async stop() {
      child.kill();
      await exited;
    },
  };
}

/** Deletes objects in an order in which none waits for one that is already gone. */
async function clear(client: ApiClient): Promise<void> {
  const remove = (path: string) =>
    client.send({ method: 'DELETE', path, body: {} }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
  for (const namespace of Object.values(namespaces)) await removeObjects(client, namespace);
  const organization = objectPath({ kind: 'Organization', namespace: '', name: organizationName });
  await remove(organization);
  await untilGone(client, organization);
  for (const namespace of Object.values(namespaces)) await remove(`/api/v1/namespaces/${namespace}`);
}

async function untilGone(client: ApiClient, path: string): Promise<void> {
  const isGone = () => client.send({ method: 'GET', path }).then(() => false, isNotFound);
  await untilTrue(isGone, `${path} to be gone`);
}
