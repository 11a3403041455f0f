import type { ApiKeyBinding, Organization } from '../../crds/resources.generated.ts';
import { credentialsSecretName } from '../credentials.ts';
import { isProtected } from '../membership.ts';
import { chooseBinding, chooseOrganization, type Refusal } from './choose.ts';
import { environmentWarnings, lacksKey } from './environment.ts';
import { injectLabel } from './marks.ts';
import { findObstacle, hasSidecar, otherContainersOf } from './obstacle.ts';
import { environmentPatch, type PatchOperation, sidecarPatch } from './patch.ts';
import { containersOf, type Pod, type PodNamespace } from './pod.ts';
import { type InjectionSettings, readPodSettings } from './settings.ts';
import { makeSidecar, type Sidecar } from './sidecar.ts';
import { asCreated, workloadOf } from './workload.ts';

/** The facts for a decision about a pod. */
export interface GatheredPod {
  readonly pod: Pod;
  /** The pod's namespace. */
  readonly namespace: PodNamespace;
  /** All Organizations. */
  readonly organizations: readonly Organization[];
  /** The bindings of the namespace. */
  readonly bindings: readonly ApiKeyBinding[];
}

/** Makes the proof that an operator injected a sidecar. */
export type Prove = (sidecar: Sidecar) => string;

/** Why a pod rightly gets no sidecar. */
export type SkipReason =
  | 'NotRequested'
  | 'OptedOut'
  | 'ProtectedNamespace'
  | 'HostNetwork'
  | 'StaticPod'
  | 'WindowsPod';

export type InjectionDecision =
  | {
      readonly action: 'inject';
      /** Empty where the pod needs no change. */
      readonly patch: readonly PatchOperation[];
      /** Whether the patch adds the sidecar itself, and not only environment variables. */
      readonly addsSidecar: boolean;
      /** The sidecar to add. An existing sidecar must equal it. */
      readonly sidecar: Sidecar;
      readonly organization: string;
      /** Warnings for the client that creates the pod. */
      readonly warnings: readonly string[];
      /**
       * Why applications in the pod have no key, although their calls go to the sidecar. Undefined where they have one.
       */
      readonly keyProblem: string | undefined;
    }
  | { readonly action: 'skip'; readonly reason: SkipReason; readonly message: string }
  | Refusal;

/** Decides about a new pod. For a pod that is already patched, it returns `inject` with an empty patch. */
export function decideInjection(
  gathered: GatheredPod,
  settings: InjectionSettings,
  prove: Prove = () => '',
): InjectionDecision {
  const { pod, namespace } = gathered;
  const skip = decideSkip(pod, namespace, settings);
  if (skip) return skip;
  const podSettings = readPodSettings(settings, pod.metadata.annotations, namespace.annotations);
  if (typeof podSettings === 'string') return { action: 'refuse', reason: 'InvalidAnnotation', message: podSettings };
  const obstacle = findObstacle(pod, podSettings, credentialsOf(gathered.organizations));
  if (obstacle) return obstacle;
  const organization = chooseOrganization(gathered.organizations, namespace, podSettings);
  if ('action' in organization) return organization;
  const binding = chooseBinding(gathered.bindings, organization.name, podSettings);
  if ('action' in binding) return binding;

  const keyless = binding.key ? [] : otherContainersOf(pod).filter((container) => lacksKey(container, podSettings));
  const addsSidecar = !hasSidecar(pod);
  const sidecar = makeSidecar(podSettings, {
    organization: organization.name,
    namespace: namespace.name,
    workload: workloadOf(asCreated(pod.metadata)),
    graceSeconds: pod.spec.terminationGracePeriodSeconds,
    limitsStorage: otherContainersOf(pod).some(
      ({ resources }) => resources?.limits?.['ephemeral-storage'] !== undefined,
    ),
  });
  return {
    action: 'inject',
    patch: [
      ...environmentPatch(pod, podSettings, binding.key),
      ...(addsSidecar ? sidecarPatch(pod, sidecar, prove(sidecar)) : []),
    ],
    addsSidecar,
    sidecar,
    organization: organization.name,
    keyProblem: keyless.length > 0 ? binding.warnings[0] : undefined,
    warnings: [
      ...containersOf(pod).flatMap((container) => environmentWarnings(container, podSettings)),
      ...(keyless.length > 0 ? binding.warnings : []),
    ],
  };
}

/** The names of the Secrets with the organizations' credentials. */
export function credentialsOf(organizations: readonly Organization[]): ReadonlySet<string> {
  return new Set(organizations.map(({ metadata }) => credentialsSecretName(metadata.name)));
}

function decideSkip(
  { metadata, spec }: Pod,
  namespace: PodNamespace,
  { operatorNamespace }: InjectionSettings,
): InjectionDecision | undefined {
  const skip = (reason: SkipReason, message: string) => ({ action: 'skip', reason, message }) as const;
  const wished = metadata.labels?.[injectLabel];
  const isOffered = namespace.labels?.[injectLabel] === 'true';
  if (isOffered && wished === 'false') {
    return skip('OptedOut', `The pod's label ${injectLabel} is "false", which overrides that of its namespace.`);
  }
  if (!isOffered && wished !== 'true') {
    return skip('NotRequested', `Neither the pod nor its namespace has the label ${injectLabel}: "true".`);
  }
  if (isProtected(namespace.name, operatorNamespace)) {
    return skip('ProtectedNamespace', `Pods of namespace "${namespace.name}" get no sidecar.`);
  }
  if (spec.hostNetwork) {
    return skip(
      'HostNetwork',
      'The pod uses the network of its node, where every process of the node could use the proxy. Remove hostNetwork, so that its calls are governed.',
    );
  }
  if (metadata.annotations?.['kubernetes.io/config.mirror'] !== undefined) {
    return skip('StaticPod', 'The pod is the mirror of a static pod, which only its node can change.');
  }
  if (spec.os?.name === 'windows' || spec.nodeSelector?.['kubernetes.io/os'] === 'windows') {
    return skip('WindowsPod', 'The pod runs on Windows, for which there is no sidecar.');
  }
  return undefined;
}
