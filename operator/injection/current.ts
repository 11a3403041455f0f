import type { Organization } from '../../crds/resources.generated.ts';
import { chooseOrganization, type Refusal } from './choose.ts';
import type { PodMeta, PodNamespace } from './pod.ts';
import { type InjectionSettings, readPodSettings } from './settings.ts';
import { hashSidecar } from './sidecar.ts';
import { asCreated, workloadOf } from './workload.ts';

/** What a pod that is there would be given if it were created now. */
export interface CurrentSidecar {
  readonly organization: string;
  /** What it would be stamped with. */
  readonly hash: string;
}

/** @returns why it would not be let in, such as that it would belong to no organization */
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
