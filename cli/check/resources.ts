import type { Condition, ObjectMeta } from '../../crds/object-meta.ts';
import type { Kind } from '../../operator/cluster/cluster.ts';
import { describeKey } from '../../operator/cluster/object-key.ts';
import { inactiveReason, outageReason } from '../../operator/runtime/conditions.ts';

/** The part of a Chaperone resource that shows its readiness. */
export interface StatedResource {
  readonly kind: Kind;
  readonly metadata: Pick<ObjectMeta, 'name' | 'namespace' | 'generation' | 'deletionTimestamp'>;
  readonly status?: { readonly observedGeneration?: number; readonly conditions?: readonly Condition[] };
}

/** Each resource that is not ready, with reason and message. */
export function listNotReady(resources: readonly StatedResource[]): string[] {
  return resources.flatMap((resource) => {
    const why = whyNotReady(resource);
    const { kind, metadata } = resource;
    const { namespace = '', name } = metadata;
    return why === undefined ? [] : `${describeKey({ kind, namespace, name })}: ${why}`;
  });
}

function whyNotReady({ metadata, status }: StatedResource): string | undefined {
  if (metadata.deletionTimestamp)
    return `Deleting since ${metadata.deletionTimestamp}; the operator has yet to clean up`;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  if (!ready) return 'NotReconciled: the operator has not looked at it yet';
  // The condition is about an older spec.
  if ((status?.observedGeneration ?? 0) < metadata.generation) {
    return 'NotReconciled: the operator has not looked at the latest change yet';
  }
  if (ready.reason === inactiveReason) return undefined;
  return ready.status === 'True' ? undefined : `${ready.reason}: ${ready.message}`;
}

/** The number of resources, and of those that somebody switched off. */
export function countReady(resources: readonly StatedResource[]): string {
  const inactive = resources.filter(({ status }) =>
    status?.conditions?.some(({ reason }) => reason === inactiveReason),
  );
  return inactive.length === 0 ? String(resources.length) : `${resources.length}, ${inactive.length} switched off`;
}

/** Each resource that waits for the database, with its message. */
export function listWaiting(resources: readonly StatedResource[]): string[] {
  return resources.flatMap(({ kind, metadata: { namespace = '', name }, status }) => {
    const waiting = status?.conditions?.find(({ reason }) => reason === outageReason);
    return waiting ? [`${describeKey({ kind, namespace, name })}: ${waiting.message}`] : [];
  });
}

/** The hint for resources that are not ready. If all of them only wait for the database, nothing is wrong with them. */
export function hintFor(resources: readonly StatedResource[], otherwise: string): string {
  const isOutage = listWaiting(resources).length > 0 && listNotReady(resources.filter(isNotWaiting)).length === 0;
  return isOutage ? 'They only wait for the database; nothing in them needs a correction.' : otherwise;
}

function isNotWaiting(resource: StatedResource): boolean {
  return listWaiting([resource]).length === 0;
}

/** Each Organization whose database role or server lacks limits, with the reason. */
export function listMissingLimits(organizations: readonly StatedResource[]): string[] {
  return organizations.flatMap(({ metadata, status }) => {
    const condition = status?.conditions?.find(({ type }) => type === 'DatabaseLimited');
    if (condition?.status === 'True') return [];
    const why = condition
      ? `${condition.reason}: ${condition.message}`
      : 'the operator has not limited its database role yet';
    return `${metadata.name}: ${why}`;
  });
}

/** Each resource whose condition of this type is False, with its message. @param reasons only these; absent: all */
export function listFalse(resources: readonly StatedResource[], type: string, reasons?: readonly string[]): string[] {
  return resources.flatMap(({ metadata, status }) => {
    const condition = status?.conditions?.find((one) => one.type === type);
    if (condition?.status !== 'False' || reasons?.includes(condition.reason) === false) return [];
    const name = metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
    return [`${name}: ${condition.message}`];
  });
}

/** The resources that still have a former default, since they do not set the field. */
export function listFormerDefaults(resources: readonly StatedResource[]): string[] {
  const reasons = ['FormerDefaults', 'FormerRoles'];
  return resources.flatMap(({ metadata, status }) => {
    const condition = status?.conditions?.find(({ reason }) => reasons.includes(reason));
    const name = metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
    return condition ? [`${name}: ${condition.message}`] : [];
  });
}
