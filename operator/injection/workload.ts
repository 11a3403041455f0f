import type { PodMeta } from './pod.ts';

/** A CronJob names its Jobs by their scheduled minute since 1970. */
const cronJobSuffix = /-\d{8}$/;

/**
 * Name of a pod's workload: its Deployment, StatefulSet, DaemonSet, CronJob or Job, or the pod itself where it has no
 * owner. It is derived from names alone, since the owner's owner is not known.
 */
export function workloadOf(metadata: PodMeta): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller);
  if (!owner) return metadata.name ?? metadata.generateName?.replace(/[-.]+$/, '') ?? 'pod';
  const templateHash = metadata.labels?.['pod-template-hash'];
  if (owner.kind === 'ReplicaSet' && templateHash) return withoutEnd(owner.name, `-${templateHash}`);
  if (owner.kind === 'Job') return owner.name.replace(cronJobSuffix, '');
  return owner.name;
}

/** Kind of the workload that `workloadOf` names. */
export function workloadKindOf(metadata: PodMeta): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller);
  if (!owner) return 'Pod';
  if (owner.kind === 'ReplicaSet' && metadata.labels?.['pod-template-hash']) return 'Deployment';
  return owner.kind === 'Job' && cronJobSuffix.test(owner.name) ? 'CronJob' : owner.kind;
}

/** The metadata as injection saw it, when the API server had not yet generated the name. */
export function asCreated({ name, ...nameless }: PodMeta): PodMeta {
  return nameless.generateName === undefined && name !== undefined ? { ...nameless, name } : nameless;
}

function withoutEnd(text: string, end: string): string {
  return text.endsWith(end) ? text.slice(0, -end.length) : text;
}
