import type { Organization } from '../../crds/resources.generated.ts';
import { chooseOrganization, type Refusal } from './choose.ts';
import type { PodMeta, PodNamespace } from './pod.ts';
import { type InjectionSettings, readPodSettings } from './settings.ts';
import { hashSidecar } from './sidecar.ts';
import { asCreated, workloadOf } from './workload.ts';

/** The sidecar that an existing pod would get if it were created now. */
export interface CurrentSidecar {
  readonly organization: string;
  /** The hash annotation that the pod would get. */
  readonly hash: string;
}

/** @returns a refusal where the pod would not be admitted, for example because it belongs to no organization */
export function currentSidecar(
  metadata: PodMeta,
  namespace: PodNamespace,
  organizations: readonly Organization[],
  settings: InjectionSettings,
): CurrentSidecar | Refusal {
  const podSettings = readPodSettings(settings, metadata.annotations, namespace.annotations);
  if (typeof podSettings === 'string') return { action: 'refuse', reason: 'InvalidAnnotation', message: podSettings };
  const organization = chooseOrganization(organizations, namespace, podSettings);
  if ('action' in organization) return organization;
  const workload = workloadOf(asCreated(metadata));
  const place = { organization: organization.name, namespace: namespace.name, workload };
  return { organization: organization.name, hash: hashSidecar(podSettings, place) };
}
