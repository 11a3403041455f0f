import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Registry } from 'prom-client';
import { defaultCertificatePolicy } from '../../operator/certificates/decide.ts';
import { type CertificateManager, startCertificateManager } from '../../operator/certificates/manage.ts';
import type { WebhookConfiguration } from '../../operator/certificates/publish.ts';
import { certificateFromDirectory, certificateFromSecret } from '../../operator/certificates/source.ts';
import type { ApiClient } from '../../operator/cluster/kubernetes/api-client.ts';
import type { KubernetesCluster } from '../../operator/cluster/kubernetes.ts';
import { webhookCertificateSecretName } from '../../operator/credentials.ts';
import { followFormerPaths } from '../../operator/injection/former-paths.ts';
import { type PathPublisher, startPathPublisher } from '../../operator/injection/publish-paths.ts';
import {
  defaultSidecar,
  type HttpClient,
  type ImagePullPolicy,
  type InjectionSettings,
  type ResourceRequirements,
} from '../../operator/injection/settings.ts';
import { type Injection, type InjectionContext, startInjection } from '../../operator/injection/start.ts';
import { followWebhookKeys, openWebhookKey } from '../../operator/injection/webhook-key.ts';

export interface InjectionOptions {
  readonly namespace: string;
  /** The sidecar's image. Absent: nothing is injected, and no webhook is served. */
  readonly image?: string;
  readonly imagePullPolicy?: ImagePullPolicy;
  readonly imagePullSecrets?: readonly string[];
  readonly upstream?: string;
  readonly sidecarResources?: ResourceRequirements;
  readonly sidecarDataLimit?: string;
  readonly sidecarEgressProxy?: string;
  readonly sidecarNoProxy?: string;
  readonly sidecarHttpClient?: HttpClient;
  readonly sidecarTracesEndpoint?: string;
  readonly sidecarTracesRatio: number;
  readonly webhookPort: number;
  readonly webhookService: string;
  /** The name of the Mutating- and the ValidatingWebhookConfiguration. */
  readonly webhookConfiguration?: string;
  /** A directory with `tls.crt` and `tls.key`. Absent: the operator makes its own certificate. */
  readonly webhookCertificates?: string;
}

interface WebhookContext {
  readonly cluster: KubernetesCluster;
  readonly client: ApiClient;
  readonly log: Logger;
}

/** The settings for injected pods. Undefined: nothing is injected. */
export function injectionSettingsOf(options: InjectionOptions): InjectionSettings | undefined {
  const { namespace, image, imagePullPolicy, imagePullSecrets, upstream } = options;
  const { sidecarEgressProxy, sidecarNoProxy, sidecarHttpClient, sidecarTracesEndpoint: endpoint } = options;
  if (image === undefined) return undefined;
  return {
    ...defaultSidecar,
    operatorNamespace: namespace,
    image,
    ...(imagePullPolicy && { imagePullPolicy }),
    ...(imagePullSecrets && { imagePullSecrets }),
    resources: options.sidecarResources ?? defaultSidecar.resources,
    dataSizeLimit: options.sidecarDataLimit ?? defaultSidecar.dataSizeLimit,
    ...(upstream !== undefined && { upstreamUrl: upstream }),
    ...(sidecarEgressProxy !== undefined && { egressProxy: sidecarEgressProxy }),
    ...(sidecarNoProxy !== undefined && { noProxy: sidecarNoProxy }),
    ...(sidecarHttpClient && { httpClient: sidecarHttpClient }),
    ...(endpoint !== undefined && { traces: { endpoint, ratio: options.sidecarTracesRatio } }),
  };
}

/** Serves the webhooks. Every replica does. */
export async function startWebhooks(
  options: InjectionOptions,
  {
    cluster,
    client,
    log,
    registry,
    keepRequest,
  }: WebhookContext & { readonly registry: Registry } & Pick<InjectionContext, 'keepRequest'>,
): Promise<Injection | undefined> {
  const { namespace, webhookCertificates } = options;
  const settings = injectionSettingsOf(options);
  if (!settings) return undefined;
  const keys = followWebhookKeys(cluster, namespace, await openWebhookKey({ client, namespace }));
  return startInjection({
    cluster,
    client,
    keys,
    usesFormerPaths: followFormerPaths({ client, configurations: configurationsOf(options) }),
    certificates:
      webhookCertificates === undefined
        ? certificateFromSecret(cluster, { namespace, name: webhookCertificateSecretName })
        : certificateFromDirectory(webhookCertificates, log),
    settings,
    keepRequest,
    port: options.webhookPort,
    instance: hostname(),
    log,
    registry,
  });
}

/** Keeps the webhooks' secret paths in their configurations. Only the leader does. */
export function startPaths(
  options: InjectionOptions,
  { client, log }: Pick<WebhookContext, 'client' | 'log'>,
): PathPublisher | undefined {
  const { namespace, image } = options;
  if (image === undefined) return undefined;
  return startPathPublisher({ client, namespace, configurations: configurationsOf(options), log });
}

/** Maintains the webhooks' certificates, unless somebody else does. Only the leader does. */
export function startCertificates(
  options: InjectionOptions,
  { cluster, client, log }: WebhookContext,
): CertificateManager | undefined {
  const { namespace, image, webhookService, webhookCertificates } = options;
  if (image === undefined || webhookCertificates !== undefined) return undefined;
  return startCertificateManager({
    cluster,
    client,
    secret: { namespace, name: webhookCertificateSecretName },
    configurations: configurationsOf(options),
    policy: {
      ...defaultCertificatePolicy,
      names: [`${webhookService}.${namespace}.svc`, `${webhookService}.${namespace}.svc.cluster.local`],
    },
    log,
  });
}

function configurationsOf({ webhookConfiguration, namespace }: InjectionOptions): readonly WebhookConfiguration[] {
  const name = webhookConfiguration ?? `chaperone-${namespace}`;
  return [
    { kind: 'mutatingwebhookconfigurations', name },
    { kind: 'validatingwebhookconfigurations', name },
  ];
}
