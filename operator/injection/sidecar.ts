import { createHash } from 'node:crypto';
import { credentialsSecretName } from '../credentials.ts';
import { credentialsVolume, dataVolume, sidecarName } from './marks.ts';
import type { Container, LocalReference, Volume } from './pod.ts';
import { bytesOf } from './quantity.ts';
import type { HttpClient, PodSettings, ResourceRequirements, TracesSettings } from './settings.ts';

export interface Sidecar {
  readonly container: Container;
  readonly volumes: readonly Volume[];
  readonly imagePullSecrets: readonly LocalReference[];
  readonly hash: string;
}

/**
 * The image's `USER`. No other container of a pod should have it, and rootless images often use 65532. It is below
 * 65536, as user namespaces require, and systemd never assigns 60706 to 61183.
 *
 * @see https://systemd.io/UIDS-GIDS/
 */
export const sidecarUserId = 60_812;

/** Where a sidecar has the token files of providers. */
const tokenDirectory = '/var/run/secrets/chaperone-tokens';

const defaultGraceSeconds = 30;
/** The part of the pod's grace period that the kubelet and the proxy's final flush need. */
const reservedSeconds = 5;
/** How much of that the final flush may take. */
const flushSeconds = 3;

/** The facts about the pod that a sidecar is made for. */
export interface SidecarPod {
  readonly organization: string;
  readonly namespace: string;
  readonly workload: string;
  /** The pod's `terminationGracePeriodSeconds`. */
  readonly graceSeconds: number | undefined;
  /** Whether another container states a limit of ephemeral storage. */
  readonly limitsStorage: boolean;
}

/** The facts that come from the pod's own specification. */
type OfPod = 'graceSeconds' | 'limitsStorage';

/** Makes the container that governs a pod's calls, with its volumes. */
export function makeSidecar(settings: PodSettings, place: SidecarPod): Sidecar {
  const container = makeContainer(settings, place);
  const volumes = makeVolumes(settings, place);
  return { container, volumes, imagePullSecrets: pullSecretsOf(settings), hash: hashSidecar(settings, place) };
}

/**
 * Hashes the sidecar to 16 hexadecimal digits. Facts from the pod's specification are left out, so that the hash for an
 * existing pod can be computed from its metadata alone.
 */
export function hashSidecar(settings: PodSettings, place: Omit<SidecarPod, OfPod>): string {
  const container = makeContainer(settings, { ...place, graceSeconds: undefined, limitsStorage: false });
  const whole = { container, volumes: makeVolumes(settings, place), imagePullSecrets: pullSecretsOf(settings) };
  return createHash('sha256').update(JSON.stringify(whole)).digest('hex').slice(0, 16);
}

function pullSecretsOf({ imagePullSecrets = [] }: PodSettings): readonly LocalReference[] {
  return imagePullSecrets.map((name) => ({ name }));
}

function makeVolumes({ dataSizeLimit }: PodSettings, { organization }: Pick<SidecarPod, 'organization'>) {
  return [
    {
      name: credentialsVolume,
      // The files belong to root, and the pod chooses the group. Only the sidecar mounts them, so all users may read.
      secret: { secretName: credentialsSecretName(organization), defaultMode: 0o444 },
    },
    { name: dataVolume, emptyDir: { sizeLimit: dataSizeLimit } },
  ];
}

/** The rights of a proxy's container: none. */
export const proxySecurity = {
  runAsNonRoot: true,
  runAsUser: sidecarUserId,
  runAsGroup: sidecarUserId,
  allowPrivilegeEscalation: false,
  privileged: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};

function makeContainer(settings: PodSettings, place: SidecarPod) {
  const { metricsPort, image, imagePullPolicy, tokenVolume } = settings;
  const probe = (path: string) => ({ httpGet: { path, port: 'metrics' } });
  return {
    name: sidecarName,
    image,
    ...(imagePullPolicy && { imagePullPolicy }),
    args: sidecarArguments(settings, place),
    ...egressEnvironment(settings),
    // A native sidecar: it starts before the application, ends after it, and lets a Job complete.
    restartPolicy: 'Always',
    ports: [{ name: 'metrics', containerPort: metricsPort, protocol: 'TCP' }],
    // Two minutes are enough for a database to restart. The containers after this one wait meanwhile.
    startupProbe: { ...probe('/readyz'), periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 120 },
    livenessProbe: { ...probe('/healthz'), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
    resources: place.limitsStorage ? withStorage(settings) : settings.resources,
    securityContext: proxySecurity,
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      { name: credentialsVolume, mountPath: '/etc/chaperone/credentials', readOnly: true },
      { name: dataVolume, mountPath: '/var/lib/chaperone' },
      ...(tokenVolume === undefined ? [] : [{ name: tokenVolume, mountPath: tokenDirectory, readOnly: true }]),
    ],
  };
}

/**
 * A pod's limit of ephemeral storage is the sum of its containers' limits, and its volumes count towards it. Where
 * other containers state a limit, the sidecar adds the size of its volume. Where none does, the pod has no limit, and
 * the sidecar must not introduce one.
 */
function withStorage({ resources, dataSizeLimit }: PodSettings): ResourceRequirements {
  const storage = 'ephemeral-storage';
  return {
    // Stated, since a missing request would equal the limit.
    requests: { [storage]: '64Mi', ...resources.requests },
    limits: { [storage]: dataSizeLimit, ...resources.limits },
  };
}

/** How a proxy reaches providers and collectors: its forward proxy, in the usual variables, its client, and where traces go. */
export function egressEnvironment({
  egressProxy,
  noProxy,
  httpClient = 'own',
  traces,
}: {
  readonly egressProxy?: string | undefined;
  readonly noProxy?: string | undefined;
  readonly httpClient?: HttpClient | undefined;
  readonly traces?: TracesSettings | undefined;
}): Pick<Container, 'env'> {
  const env = [];
  if (egressProxy !== undefined) {
    env.push({ name: 'HTTP_PROXY', value: egressProxy }, { name: 'HTTPS_PROXY', value: egressProxy });
    if (noProxy !== undefined) env.push({ name: 'NO_PROXY', value: noProxy });
  }
  if (httpClient !== 'own') env.push({ name: 'CHAPERONE_HTTP_CLIENT', value: httpClient });
  if (traces) {
    env.push(
      { name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: traces.endpoint },
      { name: 'OTEL_TRACES_SAMPLER', value: 'parentbased_traceidratio' },
      { name: 'OTEL_TRACES_SAMPLER_ARG', value: String(traces.ratio) },
    );
  }
  return env.length === 0 ? {} : { env };
}

function sidecarArguments(settings: PodSettings, place: SidecarPod): string[] {
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
