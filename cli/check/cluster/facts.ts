import type { AnalysisConfig, ApiKeyBinding, Organization, Persona } from '../../../crds/resources.generated.ts';
import type { Pod, PodMeta } from '../../../operator/injection/pod.ts';
import type { RefusedController } from './gather-refusals.ts';
import type {
  CustomResourceDefinition,
  Deployment,
  EndpointSlice,
  Lease,
  MetaOnly,
  WebhookConfiguration,
} from './objects.ts';

/** The facts that every check of a cluster needs. */
export interface ServerFacts {
  readonly server: ServerAnswer;
}

export interface ServerAnswer {
  readonly version: string;
  /** The user as the server knows it. */
  readonly user: string;
  /** The server's clock. */
  readonly nowMs: number;
}

export interface DefinitionFacts {
  /** Of this version, as in crds/. */
  readonly expectedDefinitions: readonly CustomResourceDefinition[];
  /** As installed, of the group chaperone.dev. */
  readonly definitions: readonly CustomResourceDefinition[];
}

/** The Organizations with their member namespaces, and the pods that run there. */
export interface MemberFacts {
  /** Empty where the kind is not installed. */
  readonly memberships: readonly Organization[];
  readonly memberPods: readonly ClusterPod[];
}

/** The facts for the checks before an install. */
export interface PreFacts extends ServerFacts, DefinitionFacts, MemberFacts {
  /** The objects of the chart that the user may not create. */
  readonly missingRights: readonly string[];
  readonly images: readonly ImageAnswer[];
}

/** An image that an install needs. */
export interface ImageAnswer {
  readonly image: string;
  /** The number of nodes that take pods. */
  readonly nodes: number;
  /** The number of these nodes whose status lists the image. A node lists at most fifty images. */
  readonly present: number;
  /** The result of pulling it. Undefined: it was not tried. */
  readonly pull?: 'pulled' | { readonly reason: string };
}

/** The facts for the checks of an installation. */
export interface ClusterFacts extends ServerFacts, DefinitionFacts, MemberFacts {
  /** The version of this program. The operator's should be the same. */
  readonly ownVersion: string;
  /** The operator's namespace. */
  readonly namespace: string;
  /** The only namespace that is checked. Undefined: all. */
  readonly scope: string | undefined;
  readonly deployments: readonly Deployment[];
  readonly lease: Lease | undefined;
  readonly webhooks: readonly InstalledWebhook[];
  /** Chaperone's admission policies. API servers evaluate them by themselves, to refuse ungoverned pods. */
  readonly guards: readonly GuardPolicy[];
  /** The endpoints of the Services that the webhooks name. */
  readonly endpoints: readonly EndpointSlice[];
  readonly certificate: WebhookCertificate;
  readonly organizations: readonly Organization[];
  readonly personas: readonly Persona[];
  readonly bindings: readonly ApiKeyBinding[];
  readonly analysisConfigs: readonly AnalysisConfig[];
  readonly namespaces: readonly MetaOnly[];
  /** The Secrets of organizations, without their contents. Undefined: the user may not list them. */
  readonly organizationSecrets: readonly MetaOnly[] | undefined;
  /** The pods that have a sidecar, and those that should have one. */
  readonly pods: readonly ClusterPod[];
  /** The controllers whose pods are refused. */
  readonly refusals: readonly RefusedController[];
}

export interface GuardPolicy {
  readonly name: string;
  /** Whether a binding with the action Deny uses it. */
  readonly denies: boolean;
}

/** A webhook that is served by a Service in the operator's namespace. */
export interface InstalledWebhook {
  readonly kind: 'MutatingWebhookConfiguration' | 'ValidatingWebhookConfiguration';
  readonly configuration: string;
  readonly name: string;
  readonly service: string;
  /** The path that API servers call. Empty until the operator has published it. */
  readonly path: string;
  /** The certificate authority as PEM, or empty. */
  readonly bundle: string;
}

export interface WebhookCertificate {
  readonly secretName: string;
  /** Whether the operator makes and renews it, and not for example cert-manager. */
  readonly isOperatorMade: boolean;
  /** PEM: the server's own certificate, then intermediate ones. Empty: there is none. */
  readonly chain: string;
}

export interface ClusterPod extends Pod {
  readonly metadata: PodMeta & {
    readonly name: string;
    readonly namespace: string;
    readonly deletionTimestamp?: string;
  };
  readonly status?: {
    readonly phase?: string;
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

export interface ContainerStatus {
  readonly name: string;
  readonly ready: boolean;
  readonly restartCount?: number;
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly running?: { readonly startedAt?: string };
  };
}

/** The webhooks that are served by a Service in the operator's namespace. */
export function toInstalledWebhooks(
  kind: InstalledWebhook['kind'],
  configurations: readonly WebhookConfiguration[],
  namespace: string,
): InstalledWebhook[] {
  return configurations.flatMap(({ metadata, webhooks = [] }) =>
    webhooks.flatMap(({ name, clientConfig: { service, caBundle = '' } }) =>
      service?.namespace === namespace
        ? [
            {
              kind,
              configuration: metadata.name,
              name,
              service: service.name,
              path: service.path ?? '',
              bundle: Buffer.from(caBundle, 'base64').toString('utf8'),
            },
          ]
        : [],
    ),
  );
}
