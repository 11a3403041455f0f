import { createHash } from 'node:crypto';
import { credentialsSecretName } from '../credentials.ts';
import { credentialsVolume, dataVolume, sidecarName } from './marks.ts';
import type { Container, LocalReference, Volume } from './pod.ts';
import type { PodSettings } from './settings.ts';

export interface Sidecar {
  readonly container: Container;
  readonly volumes: readonly Volume[];
  readonly imagePullSecrets: readonly LocalReference[];
  readonly hash: string;
}

/** `USER` of the image. */
const userId = 65_532;

const defaultGraceSeconds = 30;
/** What the kubelet and the proxy's last copy of its records need of the pod's grace period. */
const reservedSeconds = 5;

/** The pod that a sidecar is for. */
export interface SidecarPlace {
  readonly organization: string;
  readonly namespace: string;
  readonly workload: string;
  /** The pod's `terminationGracePeriodSeconds`. */
  readonly graceSeconds: number | undefined;
}

/** The container that governs a pod's calls, with the volumes it mounts. */
export function makeSidecar(settings: PodSettings, place: SidecarPlace): Sidecar {
  const container = makeContainer(settings, place);
  const volumes = makeVolumes(place);
  return { container, volumes, imagePullSecrets: pullSecretsOf(settings), hash: hashSidecar(settings, place) };
}

/**
 * What the sidecar is made of, in 16 hexadecimal digits. The pod's grace period is left out: it is the pod's own business,
 * and without it the hash of a pod that is there can be told from its metadata alone.
 */
export function hashSidecar(settings: PodSettings, place: Omit<SidecarPlace, 'graceSeconds'>): string {
  const container = makeContainer(settings, { ...place, graceSeconds: undefined });
  const whole = { container, volumes: makeVolumes(place), imagePullSecrets: pullSecretsOf(settings) };
  return createHash('sha256').update(JSON.stringify(whole)).digest('hex').slice(0, 16);
}

function pullSecretsOf({ imagePullSecrets = [] }: PodSettings): readonly LocalReference[] {
  return imagePullSecrets.map((name) => ({ name }));
}

function makeVolumes({ organization }: Pick<SidecarPlace, 'organization'>) {
  return [
    {
      name: credentialsVolume,
      // The files are root's, and the group is the pod's to choose; only the sidecar mounts them, so all may read.
      secret: { secretName: credentialsSecretName(organization), defaultMode: 0o444 },
    },
    { name: dataVolume, emptyDir: {} },
  ];
}

function makeContainer(settings: PodSettings, place: SidecarPlace) {
  const { metricsPort, resources, image, imagePullPolicy } = settings;
  const probe = (path: string) => ({ httpGet: { path, port: 'metrics' } });
  return {
    name: sidecarName,
    image,
    ...(imagePullPolicy && { imagePullPolicy }),
    args: sidecarArguments(settings, place),
    // A native sidecar: it starts before the application, ends after it, and does not keep a Job from completing.
    restartPolicy: 'Always',
    ports: [{ name: 'metrics', containerPort: metricsPort, protocol: 'TCP' }],
    // Two minutes are enough for a database that restarts; the containers after this one wait for as long.
    startupProbe: { ...probe('/readyz'), periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 120 },
    livenessProbe: { ...probe('/healthz'), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
    resources,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: userId,
      runAsGroup: userId,
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

function sidecarArguments(settings: PodSettings, place: SidecarPlace): string[] {
  const { port, metricsPort, upstreamUrl, logLevel } = settings;
  const { namespace, workload, graceSeconds = defaultGraceSeconds } = place;
  const grace = Math.max(1, graceSeconds - reservedSeconds);
  return [
    'proxy',
    ...['--credentials', '/etc/chaperone/credentials', '--data', '/var/lib/chaperone'],
    ...['--host', '127.0.0.1', '--port', String(port)],
    ...['--metrics-host', '0.0.0.0', '--metrics-port', String(metricsPort)],
    ...['--pod-namespace', namespace, '--workload', workload],
    ...['--grace', String(grace), '--log-level', logLevel],
    ...(upstreamUrl === undefined ? [] : ['--upstream', upstreamUrl]),
  ];
}
