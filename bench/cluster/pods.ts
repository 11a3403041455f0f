import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { isNotFound } from '../../operator/cluster/kubernetes/api-error.ts';
import { objectPath } from '../../operator/cluster/kubernetes/resources.ts';
import { type ApiClient, makeApiClient } from '../../operator/cluster/kubernetes.ts';
import { exampleImage } from '../../scripts/cluster/product.ts';
import { openTarget, type Target } from '../../scripts/cluster/target.ts';
import type { BenchmarkContext } from '../benchmark.ts';
import { change, type EffectSite } from './effect.ts';
import { type LineReader, readLines } from './lines.ts';
import { createOrganization, organizationName, removeObjects, selected } from './objects.ts';
import { places } from './places.ts';
import { untilTrue } from './wait.ts';

const namespaces = { load: 'bench-load', ...places } as const;

/** A cluster that runs pods, with the product in it as `npm run cluster:up` leaves it. */
export interface PodCluster {
  readonly client: ApiClient;
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
  await createOrganization(
    client,
    { organization: organizationName, namespace: namespaces.load },
    Object.values(places),
  );
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

function followLog({ kubectlPath, env }: Target, pod: string): LineReader {
  const args = ['logs', '--follow', '--namespace', namespaces.app, pod, '--container', 'app'];
  const child = spawn(kubectlPath, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  return readLines(`Pod ${pod}`, child.stdout, async () => {
    child.kill();
    await exited;
  });
}

/** Changes in this cluster, as pods see them. */
export function siteOf({ client, createPod, follow, removePod }: PodCluster): EffectSite {
  return {
    client,
    load: { namespace: namespaces.load, isThere: false },
    change: (path, patch) => change(client, path, patch),
    async watch(name, personaId) {
      await createPod(name, {
        command: ['node', '/bench/poll.mjs'],
        environment: personaId === undefined ? {} : { PERSONA_ID: personaId },
        isGoverned: true,
      });
      const lines = await follow(name);
      const stop = async () => {
        await lines.stop();
        await removePod(name);
      };
      return { next: lines.next, stop };
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
