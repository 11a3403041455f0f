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

/** What every check of a cluster begins with. */
export interface ServerFacts {
  readonly server: ServerAnswer;
}

export interface ServerAnswer {
  readonly version: string;
  /** Who the server takes us for. */
  readonly user: string;
  /** The server's time. */
  readonly nowMs: number;
}

export interface DefinitionFacts {
  /** Of this version, as in crds/. */
  readonly expectedDefinitions: readonly CustomResourceDefinition[];
  /** Of our group, as installed. */
  readonly definitions: readonly CustomResourceDefinition[];
}

/** The namespaces that belong to organizations already, with what runs in them. */
export interface MemberFacts {
  /** None where the kind is not installed. */
  readonly memberships: readonly Organization[];
  readonly memberPods: readonly ClusterPod[];
}

/** What the checks before an install decide by. */
export interface PreFacts extends ServerFacts, DefinitionFacts, MemberFacts {
  /** What the chart makes and the user may not create. */
  readonly missingRights: readonly string[];
  readonly images: readonly ImageAnswer[];
}

/** What is known of an image that an install needs. */
export interface ImageAnswer {
  readonly image: string;
  /** Nodes that pods may run on. */
  readonly nodes: number;
  /** Those of them that say they have it. A node tells of fifty images at most. */
  readonly present: number;
  /** What came of pulling it; undefined where that was not tried. */
  readonly pull?: 'pulled' | { readonly reason: string };
}

/** What the checks of an installation decide by. */
export interface ClusterFacts extends ServerFacts, DefinitionFacts, MemberFacts {
  /** The version of this program, which the operator's should equal. */
  readonly ownVersion: string;
  /** The operator's. */
  readonly namespace: string;
  /** The only namespace whose objects and pods are looked at; undefined: all. */
  readonly scope: string | undefined;
  readonly deployments: readonly Deployment[];
  readonly lease: Lease | undefined;
  readonly webhooks: readonly InstalledWebhook[];
  /** Admission policies of ours: they refuse ungoverned pods without anybody's help. */
  readonly guards: readonly GuardPolicy[];
  /** Of the Services that the webhooks name. */
  readonly endpoints: readonly EndpointSlice[];
  readonly certificate: WebhookCertificate;
  readonly organizations: readonly Organization[];
  readonly personas: readonly Persona[];
  readonly bindings: readonly ApiKeyBinding[];
  readonly analysisConfigs: readonly AnalysisConfig[];
  readonly namespaces: readonly MetaOnly[];
  /** Secrets of organizations, wherever they are; their contents are not asked for. Undefined where one may not list them. */
  readonly organizationSecrets: readonly MetaOnly[] | undefined;
  /** All that may concern a sidecar: those that have one, and those that should. */
  readonly pods: readonly ClusterPod[];
  /** Whose pods are refused. */
  readonly refusals: readonly RefusedController[];
}

export interface GuardPolicy {
  readonly name: string;
  /** Whether a binding has it refuse anything. */
  readonly denies: boolean;
}

/** A webhook that is served by a Service in the operator's namespace. */
export interface InstalledWebhook {
  readonly kind: 'MutatingWebhookConfiguration' | 'ValidatingWebhookConfiguration';
  readonly configuration: string;
  readonly name: string;
  readonly service: string;
  /** Where it is asked; empty until the operator has published that. */
  readonly path: string;
  /** PEM; empty where there is none. */
  readonly bundle: string;
}

export interface WebhookCertificate {
  readonly secretName: string;
  /** The operator makes and renews it, rather than cert-manager or somebody else. */
  readonly isOperatorMade: boolean;
  /** PEM: the server's own first, intermediate ones after it; empty where there is none. */
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

/** The configurations' webhooks that lead to the operator's namespace. */
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
