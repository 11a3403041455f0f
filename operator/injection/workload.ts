import type { Pod } from './pod.ts';

/**
 * What people call the thing that a pod is one of: its Deployment, StatefulSet, DaemonSet, CronJob or Job; the pod's own
 * name where it has no owner. Told from names alone, as the owners' owners are not known.
 */
export function workloadOf({ metadata }: Pod): string {
  const owner = metadata.ownerReferences?.find(({ controller }) => controller);
  if (!owner) return metadata.name ?? metadata.generateName?.replace(/[-.]+$/, '') ?? 'pod';
  const templateHash = metadata.labels?.['pod-template-hash'];
  if (owner.kind === 'ReplicaSet' && templateHash) return withoutEnd(owner.name, `-${templateHash}`);
  // A CronJob names its Jobs by the minute they are due, counted since 1970.
  if (owner.kind === 'Job') return owner.name.replace(/-\d{8}$/, '');
  return owner.name;
}

function withoutEnd(text: string, end: string): string {
  return text.endsWith(end) ? text.slice(0, -end.length) : text;
}
