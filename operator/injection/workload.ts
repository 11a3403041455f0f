import type { PodMeta } from './pod.ts';

/** A CronJob names its Jobs by the minute they are due, counted since 1970. */
const cronJobSuffix = /-\d{8}$/;

/**
 * What people call the thing that a pod is one of: its Deployment, StatefulSet, DaemonSet, CronJob or Job; the pod's own
 * name where it has no owner. Told from names alone, as the owners' owners are not known.
 */
export function workloadOf(metadata: PodMeta): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller);
  if (!owner) return metadata.name ?? metadata.generateName?.replace(/[-.]+$/, '') ?? 'pod';
  const templateHash = metadata.labels?.['pod-template-hash'];
  if (owner.kind === 'ReplicaSet' && templateHash) return withoutEnd(owner.name, `-${templateHash}`);
  if (owner.kind === 'Job') return owner.name.replace(cronJobSuffix, '');
  return owner.name;
}

/** The kind of what `workloadOf` names. */
export function workloadKindOf(metadata: PodMeta): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller);
  if (!owner) return 'Pod';
  if (owner.kind === 'ReplicaSet' && metadata.labels?.['pod-template-hash']) return 'Deployment';
  return owner.kind === 'Job' && cronJobSuffix.test(owner.name) ? 'CronJob' : owner.kind;
}

/** The pod as injection saw it: a name that the API server makes up was not there yet. */
export function asCreated({ name, ...nameless }: PodMeta): PodMeta {
  return nameless.generateName === undefined && name !== undefined ? { ...nameless, name } : nameless;
}

function withoutEnd(text: string, end: string): string {
  return text.endsWith(end) ? text.slice(0, -end.length) : text;
}
