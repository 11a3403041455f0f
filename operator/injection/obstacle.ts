import type { Refusal } from './choose.ts';
import { credentialsVolume, dataVolume, hashAnnotation, settingAnnotations, sidecarName } from './marks.ts';
import { type Container, containersOf, type Pod } from './pod.ts';
import { findForeignMount, findReferences } from './references.ts';
import type { PodSettings } from './settings.ts';
import { sidecarUserId } from './sidecar.ts';

const refuse = (reason: string, message: string): Refusal => ({ action: 'refuse', reason, message });

/**
 * Finds what in a pod conflicts with its sidecar or could tamper with it.
 *
 * @param credentials the names of all Secrets with an organization's credentials
 */
export function findObstacle(pod: Pod, settings: PodSettings, credentials: ReadonlySet<string>): Refusal | undefined {
  return findTakenName(pod) ?? findTakenPort(pod, settings) ?? findIntrusion(pod) ?? findMisuse(pod, credentials);
}

/**
 * Why the validating webhook would refuse a running pod if it were created again: the pod may be older than a rule.
 *
 * @param credentials the names of all Secrets with an organization's credentials
 */
export function findAdmissionProblem(pod: Pod, credentials: ReadonlySet<string>): Refusal | undefined {
  if (!hasSidecar(pod)) return refuseReferences(pod, credentials, false);
  return findIntrusion(pod) ?? findMisuse(pod, credentials);
}

/** Whether the pod is already injected. An earlier pass may have used other settings; they are kept. */
export function hasSidecar({ metadata, spec }: Pod): boolean {
  const sidecar = spec.initContainers?.find(({ name }) => name === sidecarName);
  return (
    metadata.annotations?.[hashAnnotation] !== undefined &&
    sidecar?.restartPolicy === 'Always' &&
    sidecar.volumeMounts?.some(({ name }) => name === credentialsVolume) === true
  );
}

/**
 * Refuses a pod that refers to a Secret with an organization's credentials, since they open everything of the
 * organization.
 *
 * @param mayBeSidecars whether to allow the sidecar's own reference, which is checked with the sidecar
 */
export function refuseReferences(
  pod: Pod,
  credentials: ReadonlySet<string>,
  mayBeSidecars: boolean,
): Refusal | undefined {
  const reference = findReferences(pod, credentials).find(
    (one) => !(mayBeSidecars && 'volume' in one && one.volume === credentialsVolume),
  );
  if (!reference) return undefined;
  const place =
    'volume' in reference ? `Volume "${reference.volume}"` : `The environment of container "${reference.container}"`;
  return refuse(
    'CredentialsReferred',
    `${place} refers to Secret "${reference.secret}", which holds an organization's credentials and is for Chaperone's sidecar alone; remove it. An application calls with its binding's synthetic key, or with a token.`,
  );
}

export function otherContainersOf(pod: Pod): readonly Container[] {
  return containersOf(pod).filter(({ name }) => name !== sidecarName);
}

function findTakenName(pod: Pod): Refusal | undefined {
  const isApplications = pod.spec.containers.some(({ name }) => name === sidecarName);
  if (isApplications || (!hasSidecar(pod) && containersOf(pod).some(({ name }) => name === sidecarName))) {
    return refuse('NameTaken', `The pod has a container of its own named "${sidecarName}"; give it another name.`);
  }
  const volume = pod.spec.volumes?.find(({ name }) => name === credentialsVolume || name === dataVolume);
  if (volume && !hasSidecar(pod)) {
    return refuse('NameTaken', `The pod has a volume of its own named "${volume.name}"; give it another name.`);
  }
  return undefined;
}

function findTakenPort(pod: Pod, { port, metricsPort }: PodSettings): Refusal | undefined {
  for (const [wanted, annotation] of [
    [port, settingAnnotations.port],
    [metricsPort, settingAnnotations.metricsPort],
  ] as const) {
    const holder = otherContainersOf(pod).find((container) => usesPort(container, wanted));
    if (holder) {
      return refuse(
        'PortTaken',
        `Container "${holder.name}" uses port ${wanted}, which the sidecar listens on; use another port there, or name another one for the sidecar with the annotation ${annotation}.`,
      );
    }
  }
  return undefined;
}

/** Finds settings that would let an application see or end the sidecar's process. */
function findIntrusion(pod: Pod): Refusal | undefined {
  const { shareProcessNamespace, hostPID, securityContext } = pod.spec;
  if (shareProcessNamespace || hostPID) {
    const field = shareProcessNamespace ? 'shareProcessNamespace' : 'hostPID';
    return refuse(
      'ProcessesShared',
      `The pod sets spec.${field}, which lets its containers read the sidecar's files and memory; remove it. To look into a container, use kubectl debug with --target=CONTAINER.`,
    );
  }
  const container = otherContainersOf(pod).find(
    (one) => (one.securityContext?.runAsUser ?? securityContext?.runAsUser) === sidecarUserId,
  );
  if (container) {
    return refuse(
      'UserTaken',
      `Container "${container.name}" runs as user ${sidecarUserId}, which is reserved for the sidecar; set runAsUser to another user.`,
    );
  }
  return undefined;
}

function findMisuse(pod: Pod, credentials: ReadonlySet<string>): Refusal | undefined {
  const foreign = findForeignMount(pod, [credentialsVolume, dataVolume]);
  if (foreign) {
    return refuse(
      'VolumeTaken',
      `Container "${foreign.container}" mounts volume "${foreign.volume}", which only the sidecar may mount; remove the mount.`,
    );
  }
  return refuseReferences(pod, credentials, hasSidecar(pod));
}

function usesPort({ ports = [] }: Container, wanted: number): boolean {
  return ports.some(({ containerPort, protocol = 'TCP' }) => containerPort === wanted && protocol === 'TCP');
}
