import { createHash } from 'node:crypto';
import { credentialsSecretName } from '../credentials.ts';
import { credentialsVolume, dataVolume, sidecarName } from './marks.ts';
import type { Container, LocalReference, Volume } from './pod.ts';
import { bytesOf } from './quantity.ts';
import type { PodSettings, ResourceRequirements } from './settings.ts';

export interface Sidecar {
  readonly container: Container;
  readonly volumes: readonly Volume[];
  readonly imagePullSecrets: readonly LocalReference[];
  readonly hash: string;
}

/**
 * `USER` of the image, and of no other container in a pod: images without a root often run as 65532. It is below 65536,
 * as user namespaces ask for, and systemd gives none of 60706 to 61183 to anybody.
 *
 * @see https://systemd.io/UIDS-GIDS/
 */
export const sidecarUserId = 60_812;

const defaultGraceSeconds = 30;
/** What the kubelet and the proxy's last copy of its records need of the pod's grace period. */
const reservedSeconds = 5;
/** How much of that the last copy may take. */
const flushSeconds = 3;

/** The pod that a sidecar is for. */
export interface SidecarPlace {
  readonly organization: string;
  readonly namespace: string;
  readonly workload: string;
  /** The pod's `terminationGracePeriodSeconds`. */
  readonly graceSeconds: number | undefined;
  /** Another container states a limit of ephemeral storage. */
  readonly limitsStorage: boolean;
}

/** What the pod itself says of its place. */
type OfPod = 'graceSeconds' | 'limitsStorage';

/** The container that governs a pod's calls, with the volumes it mounts. */
export function makeSidecar(settings: PodSettings, place: SidecarPlace): Sidecar {
  const container = makeContainer(settings, place);
  const volumes = makeVolumes(settings, place);
  return { container, volumes, imagePullSecrets: pullSecretsOf(settings), hash: hashSidecar(settings, place) };
}

/**
 * What the sidecar is made of, in 16 hexadecimal digits. What follows from the pod's specification is left out: it is the
 * pod's own business, and without it the hash of a pod that is there can be told from its metadata alone.
 */
export function hashSidecar(settings: PodSettings, place: Omit<SidecarPlace, OfPod>): string {
  const container = makeContainer(settings, { ...place, graceSeconds: undefined, limitsStorage: false });
  const whole = { container, volumes: makeVolumes(settings, place), imagePullSecrets: pullSecretsOf(settings) };
  return createHash('sha256').update(JSON.stringify(whole)).digest('hex').slice(0, 16);
}

function pullSecretsOf({ imagePullSecrets = [] }: PodSettings): readonly LocalReference[] {
  return imagePullSecrets.map((name) => ({ name }));
}

function makeVolumes({ dataSizeLimit }: PodSettings, { organization }: Pick<SidecarPlace, 'organization'>) {
  return [
    {
      name: credentialsVolume,
      // The files are root's, and the group is the pod's to choose; only the sidecar mounts them, so all may read.
      secret: { secretName: credentialsSecretName(organization), defaultMode: 0o444 },
    },
    { name: dataVolume, emptyDir: { sizeLimit: dataSizeLimit } },
  ];
}

function makeContainer(settings: PodSettings, place: SidecarPlace) {
  const { metricsPort, image, imagePullPolicy } = settings;
  const probe = (path: string) => ({ httpGet: { path, port: 'metrics' } });
  return {
    name: sidecarName,
    image,
    ...(imagePullPolicy && { imagePullPolicy }),
    args: sidecarArguments(settings, place),
    ...egressEnvironment(settings),
    // A native sidecar: it starts before the application, ends after it, and does not keep a Job from completing.
    restartPolicy: 'Always',
    ports: [{ name: 'metrics', containerPort: metricsPort, protocol: 'TCP' }],
    // Two minutes are enough for a database that restarts; the containers after this one wait for as long.
    startupProbe: { ...probe('/readyz'), periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 120 },
    livenessProbe: { ...probe('/healthz'), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
    resources: place.limitsStorage ? withStorage(settings) : settings.resources,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: sidecarUserId,
      runAsGroup: sidecarUserId,
      allowPrivilegeEscalation: false,
      privileged: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
      seccompProfile: { type: 'RuntimeDefault' },
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      { name: credentialsVolume, mountPath: '/etc/chaperone/credentials', readOnly: true },
      { name: dataVolume, mountPath: '/var/lib/chaperone' },
    ],
  };
}

/**
 * The limit for a pod's ephemeral storage, in which its volumes count, is the sum of its containers' limits. Where others
 * have stated theirs, the sidecar brings along what its volume may take. Where nobody has, there is no limit for the pod,
 * and the sidecar's alone would become one.
 */
function withStorage({ resources, dataSizeLimit }: PodSettings): ResourceRequirements {
  const storage = 'ephemeral-storage';
  return {
    // Stated, since a request that is not is as high as the limit.
    requests: { [storage]: '64Mi', ...resources.requests },
    limits: { [storage]: dataSizeLimit, ...resources.limits },
  };
}

/** The forward proxies that the sidecar uses, in the usual variables. */
function egressEnvironment({ egressProxy, noProxy }: PodSettings): Pick<Container, 'env'> {
  if (egressProxy === undefined) return {};
  const names = ['HTTP_PROXY', 'HTTPS_PROXY'];
  return {
    env: [
      ...names.map((name) => ({ name, value: egressProxy })),
      ...(noProxy === undefined ? [] : [{ name: 'NO_PROXY', value: noProxy }]),
    ],
  };
}

function sidecarArguments(settings: PodSettings, place: SidecarPlace): string[] {
  const { port, metricsPort, upstreamUrl, logLevel, dataSizeLimit } = settings;
  const { namespace, workload, graceSeconds = defaultGraceSeconds } = place;
  const grace = Math.max(1, graceSeconds - reservedSeconds);
  return [
    'proxy',
    ...['--credentials', '/etc/chaperone/credentials', '--data', '/var/lib/chaperone'],
    ...['--host', '127.0.0.1', '--port', String(port)],
    ...['--metrics-host', '0.0.0.0', '--metrics-port', String(metricsPort)],
    ...['--pod-namespace', namespace, '--workload', workload],
    ...['--grace', String(grace), '--flush', String(flushSeconds)],
    ...['--data-limit', String(bytesOf(dataSizeLimit)), '--log-level', logLevel],
    ...(upstreamUrl === undefined ? [] : ['--upstream', upstreamUrl]),
  ];
}
