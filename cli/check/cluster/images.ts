import { setTimeout as delay } from 'node:timers/promises';
import type { ApiClient } from '../../../operator/cluster/kubernetes/api-client.ts';
import { ApiError, isNotFound } from '../../../operator/cluster/kubernetes/api-error.ts';
import { describeError } from '../describe-error.ts';
import type { ImageAnswer } from './facts.ts';
import type { Deployment, MetaOnly } from './objects.ts';
import type { Reader } from './reader.ts';

/** The images that an install needs, and whether a node shall pull them. */
export interface ImageQuestion {
  /** Empty: the image of the installed operator, else the chart's default. */
  readonly names: readonly string[];
  readonly pull: boolean;
  /** Pull Secrets in the operator's namespace. */
  readonly pullSecrets: readonly string[];
}

interface Node extends MetaOnly {
  readonly spec?: { readonly unschedulable?: boolean };
  readonly status?: { readonly images?: readonly { readonly names?: readonly string[] | null }[] };
}

interface PullPod extends MetaOnly {
  readonly status?: {
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message?: string }[];
    readonly containerStatuses?: readonly {
      readonly imageID?: string;
      readonly state?: {
        readonly waiting?: { readonly reason?: string; readonly message?: string };
        readonly running?: object;
        readonly terminated?: object;
      };
    }[];
  };
}

const operatorLabels = 'app.kubernetes.io/name=chaperone,app.kubernetes.io/component=operator';
const pullTimeoutMs = 120_000;
const pauseMs = 500;

/** Finds which nodes have each image, and if asked, has a node pull it. */
export async function gatherImages(
  { client, namespace, ownVersion }: { client: ApiClient; namespace: string; ownVersion: string },
  reader: Reader,
  { names, pull, pullSecrets }: ImageQuestion,
): Promise<readonly ImageAnswer[]> {
  const [nodes, images] = await Promise.all([
    reader.list<Node>('/api/v1/nodes', { labelSelector: 'kubernetes.io/os=linux' }),
    names.length > 0 ? names : nameInstalled(reader, namespace, ownVersion),
  ]);
  const usable = nodes.filter(({ spec }) => !spec?.unschedulable);
  const place = pull ? await choosePlace(client, namespace) : undefined;
  return Promise.all(
    images.map(async (image) => ({
      image,
      nodes: usable.length,
      present: usable.filter((node) => hasImage(node, image)).length,
      ...(place !== undefined && { pull: await tryPull(client, place, image, pullSecrets) }),
    })),
  );
}

async function nameInstalled({ list }: Reader, namespace: string, ownVersion: string): Promise<readonly string[]> {
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
  const deployments = await list<Deployment>(path, { labelSelector: operatorLabels });
  const installed = deployments.flatMap(({ spec }) => spec.template.spec.containers.map(({ image }) => image));
  return installed.length > 0 ? [...new Set(installed)] : [`chaperone:${ownVersion}`];
}

function hasImage({ status }: Node, image: string): boolean {
  return status?.images?.some(({ names }) => names?.includes(toFullName(image))) ?? false;
}

/** The full name that nodes use: `postgres:18.4` is `docker.io/library/postgres:18.4`. */
export function toFullName(image: string): string {
  const [first = '', ...rest] = image.split('/');
  if (rest.length === 0) return `docker.io/library/${image}`;
  return /[.:]|^localhost$/.test(first) ? image : `docker.io/${image}`;
}

/** Chooses the operator's namespace, or `default` where it does not exist yet. */
async function choosePlace(client: ApiClient, namespace: string): Promise<string> {
  try {
    await client.send({ method: 'GET', path: `/api/v1/namespaces/${namespace}` });
    return namespace;
  } catch (error) {
    if (isNotFound(error)) return 'default';
    throw error;
  }
}

/** Makes a pod that starts nothing, so that a node pulls the image, and deletes the pod. */
async function tryPull(
  client: ApiClient,
  namespace: string,
  image: string,
  pullSecrets: readonly string[],
): Promise<NonNullable<ImageAnswer['pull']>> {
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  let path: string | undefined;
  try {
    const body = pullPod(image, pullSecrets);
    const { metadata } = await client.send<MetaOnly>({ method: 'POST', path: pods, body });
    path = `${pods}/${metadata.name}`;
    for (const deadlineMs = performance.now() + pullTimeoutMs; performance.now() < deadlineMs; ) {
      const pulled = judgePull(await client.send<PullPod>({ method: 'GET', path }));
      if (pulled) return pulled;
      await delay(pauseMs);
    }
    return { reason: `no node had pulled it after ${pullTimeoutMs / 1_000} s` };
  } catch (error) {
    return { reason: describeError(error) };
  } finally {
    if (path !== undefined) await remove(client, path);
  }
}

async function remove(client: ApiClient, path: string): Promise<void> {
  const body = { apiVersion: 'v1', kind: 'DeleteOptions', gracePeriodSeconds: 0 };
  await client.send({ method: 'DELETE', path, body }).catch((error: unknown) => {
    // The pod is already deleted, or is deleted with its namespace.
    if (!(error instanceof ApiError)) throw error;
  });
}

/** A pod that satisfies Pod Security `restricted` and starts nothing, since no image has this program. */
function pullPod(image: string, pullSecrets: readonly string[]): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { generateName: 'chaperone-check-image-', labels: { 'app.kubernetes.io/name': 'chaperone-check' } },
    spec: {
      restartPolicy: 'Never',
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 0,
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      ...(pullSecrets.length > 0 && { imagePullSecrets: pullSecrets.map((name) => ({ name })) }),
      securityContext: { runAsNonRoot: true, runAsUser: 60_812, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name: 'image',
          image,
          imagePullPolicy: 'IfNotPresent',
          command: ['/chaperone-check-starts-nothing'],
          resources: { requests: { cpu: '1m', memory: '8Mi' }, limits: { cpu: '10m', memory: '16Mi' } },
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } },
        },
      ],
    },
  };
}

/** Judges by a pod's status whether its image was pulled. Undefined: the node is still pulling it. */
export function judgePull({ status }: Pick<PullPod, 'status'>): ImageAnswer['pull'] {
  const unscheduled = status?.conditions?.find(({ type, status: is }) => type === 'PodScheduled' && is === 'False');
  if (unscheduled) return { reason: unscheduled.message ?? 'no node takes the pod' };
  const { state, imageID = '' } = status?.containerStatuses?.[0] ?? {};
  if (imageID !== '' || state?.running || state?.terminated) return 'pulled';
  const { reason = 'ContainerCreating', message = '' } = state?.waiting ?? {};
  if (/Image/.test(reason)) return { reason: message === '' ? reason : `${reason}: ${message}` };
  return ['ContainerCreating', 'PodInitializing'].includes(reason) ? undefined : 'pulled';
}
