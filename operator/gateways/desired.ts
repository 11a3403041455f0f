import type { Organization, OrganizationSpec } from '../../crds/resources.generated.ts';
import { managedBy, managedByLabel, ownerLabel } from '../cluster/owned.ts';
import { gatewaySecretName } from '../credentials.ts';
import { bytesOf } from '../injection/quantity.ts';
import type { InjectionSettings } from '../injection/settings.ts';
import { egressEnvironment, proxySecurity } from '../injection/sidecar.ts';
import { gatewayLabel, gatewayName } from './names.ts';

type Gateway = NonNullable<OrganizationSpec['gateway']>;

/** The defaults of every gateway. */
export interface GatewaySettings
  extends Pick<
    InjectionSettings,
    | 'image'
    | 'imagePullPolicy'
    | 'imagePullSecrets'
    | 'resources'
    | 'upstreamUrl'
    | 'egressProxy'
    | 'noProxy'
    | 'httpClient'
    | 'traces'
    | 'logLevel'
    | 'dataSizeLimit'
  > {
  /** The operator's namespace, where gateways run. */
  readonly namespace: string;
}

/** An API object of a gateway, as server-side apply takes it. */
export interface GatewayObject {
  readonly apiVersion: string;
  readonly kind: GatewayKind;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: object;
}

export const gatewayKinds = ['Deployment', 'Service', 'HorizontalPodAutoscaler', 'PodDisruptionBudget'] as const;
export type GatewayKind = (typeof gatewayKinds)[number];

const metricsPort = 8001;
/** How long the Service may go on sending connections to a pod that is about to stop. */
const leaveSeconds = 5;
const graceSeconds = 45;
const flushSeconds = 5;

export function apiPortOf({ tls }: Gateway): number {
  return tls ? 8443 : 8000;
}

export function servicePortOf({ tls, service }: Gateway): number {
  return service.port ?? (tls ? 443 : 80);
}

/**
 * Makes the objects of an Organization's gateway.
 *
 * @param replicas what the Deployment has now, where an autoscaler decides
 */
export function makeGateway(
  { metadata }: Organization,
  gateway: Gateway,
  settings: GatewaySettings,
  replicas: number | undefined,
): readonly GatewayObject[] {
  const name = gatewayName(metadata.name);
  const selector = { [gatewayLabel]: metadata.name };
  const common = {
    name,
    namespace: settings.namespace,
    labels: {
      ...selector,
      [managedByLabel]: managedBy,
      [ownerLabel]: metadata.uid,
      'app.kubernetes.io/name': 'chaperone-gateway',
      'app.kubernetes.io/instance': metadata.name,
    },
    // Kubernetes removes the objects of an Organization whose finalizer somebody removed by hand.
    ownerReferences: [
      { apiVersion: 'chaperone.dev/v1alpha1', kind: 'Organization', name: metadata.name, uid: metadata.uid },
    ],
  };
  const { replicas: least, maxReplicas, targetCpuPercent, service } = gateway;
  const scales = maxReplicas !== undefined && maxReplicas > least;
  const objects: GatewayObject[] = [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: common,
      spec: {
        replicas: scales ? Math.min(Math.max(replicas ?? least, least), maxReplicas) : least,
        selector: { matchLabels: selector },
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
        template: makeTemplate(metadata.name, gateway, settings, common.labels),
      },
    },
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...common, ...(service.annotations && { annotations: service.annotations }) },
      spec: {
        type: service.type,
        selector,
        ports: [{ name: 'api', port: servicePortOf(gateway), targetPort: 'api', protocol: 'TCP' }],
      },
    },
  ];
  if (scales) {
    objects.push({
      apiVersion: 'autoscaling/v2',
      kind: 'HorizontalPodAutoscaler',
      metadata: common,
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
        minReplicas: least,
        maxReplicas,
        metrics: [
          {
            type: 'Resource',
            resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: targetCpuPercent } },
          },
        ],
      },
    });
  }
  // With a single pod, a budget would keep its node from being drained.
  if (least > 1) {
    objects.push({
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: common,
      spec: { maxUnavailable: 1, selector: { matchLabels: selector } },
    });
  }
  return objects;
}

function makeTemplate(
  organization: string,
  gateway: Gateway,
  settings: GatewaySettings,
  labels: Readonly<Record<string, string>>,
) {
  const { imagePullSecrets = [], dataSizeLimit } = settings;
  return {
    metadata: { labels, annotations: { 'kubectl.kubernetes.io/default-container': 'proxy' } },
    spec: {
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      terminationGracePeriodSeconds: leaveSeconds + graceSeconds + flushSeconds + 5,
      ...(imagePullSecrets.length > 0 && { imagePullSecrets: imagePullSecrets.map((name) => ({ name })) }),
      topologySpreadConstraints: [
        {
          topologyKey: 'kubernetes.io/hostname',
          maxSkew: 1,
          whenUnsatisfiable: 'ScheduleAnyway',
          labelSelector: { matchLabels: { [gatewayLabel]: organization } },
        },
      ],
      containers: [makeContainer(gateway, settings)],
      volumes: [
        {
          name: 'credentials',
          secret: { secretName: gatewaySecretName(organization), defaultMode: 0o444 },
        },
        { name: 'data', emptyDir: { sizeLimit: dataSizeLimit } },
        ...(gateway.tls ? [certificateVolume(gateway.tls.secretName)] : []),
      ],
    },
  };
}

/** Of the Secret, only a certificate and its key are mounted. */
function certificateVolume(secretName: string) {
  const items = ['tls.crt', 'tls.key'].map((key) => ({ key, path: key }));
  return { name: 'certificate', secret: { secretName, items, defaultMode: 0o444 } };
}

function makeContainer(gateway: Gateway, settings: GatewaySettings) {
  const { image, imagePullPolicy, resources, upstreamUrl, logLevel, dataSizeLimit, namespace } = settings;
  const port = apiPortOf(gateway);
  const probe = (path: string) => ({ httpGet: { path, port: 'metrics' } });
  return {
    name: 'proxy',
    image,
    ...(imagePullPolicy && { imagePullPolicy }),
    args: [
      'proxy',
      ...['--credentials', '/etc/chaperone/credentials', '--data', '/var/lib/chaperone'],
      ...['--host', '0.0.0.0', '--port', String(port)],
      ...(gateway.tls ? ['--tls', '/etc/chaperone/tls'] : []),
      ...['--metrics-host', '0.0.0.0', '--metrics-port', String(metricsPort)],
      ...['--pod-namespace', namespace, '--workload', 'gateway'],
      ...['--grace', String(graceSeconds), '--flush', String(flushSeconds)],
      ...['--data-limit', String(bytesOf(dataSizeLimit)), '--log-level', logLevel],
      ...(upstreamUrl === undefined ? [] : ['--upstream', upstreamUrl]),
    ],
    ...egressEnvironment(settings),
    ports: [
      { name: 'api', containerPort: port, protocol: 'TCP' },
      { name: 'metrics', containerPort: metricsPort, protocol: 'TCP' },
    ],
    startupProbe: { ...probe('/readyz'), periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 120 },
    readinessProbe: { ...probe('/readyz'), periodSeconds: 2, timeoutSeconds: 3 },
    livenessProbe: { ...probe('/healthz'), periodSeconds: 10, timeoutSeconds: 5, failureThreshold: 6 },
    // Until then, the Service may still send connections here.
    lifecycle: { preStop: { sleep: { seconds: leaveSeconds } } },
    resources: {
      // The autoscaler needs a request of processor time.
      requests: { ...resources.requests, cpu: '100m', ...gateway.resources?.requests },
      limits: { ...resources.limits, ...gateway.resources?.limits },
    },
    securityContext: proxySecurity,
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: [
      { name: 'credentials', mountPath: '/etc/chaperone/credentials', readOnly: true },
      { name: 'data', mountPath: '/var/lib/chaperone' },
      ...(gateway.tls ? [{ name: 'certificate', mountPath: '/etc/chaperone/tls', readOnly: true }] : []),
    ],
  };
}
