import type { Condition, ObjectMeta } from '../../crds/object-meta.ts';
import { describeKey, type Kind } from '../../operator/cluster/cluster.ts';
import { inactiveReason, outageReason } from '../../operator/runtime/conditions.ts';

/** Any resource of ours, as far as its readiness goes. */
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
  // The condition would speak of an older spec.
  if ((status?.observedGeneration ?? 0) < metadata.generation) {
    return 'NotReconciled: the operator has not looked at the latest change yet';
  }
  if (ready.reason === inactiveReason) return undefined;
  return ready.status === 'True' ? undefined : `${ready.reason}: ${ready.message}`;
}

/** How many there are, and how many of them somebody has switched off. */
export function countReady(resources: readonly StatedResource[]): string {
  const inactive = resources.filter(({ status }) =>
    status?.conditions?.some(({ reason }) => reason === inactiveReason),
  );
  return inactive.length === 0 ? String(resources.length) : `${resources.length}, ${inactive.length} switched off`;
}

/** What each resource says that waits for the database. */
export function listWaiting(resources: readonly StatedResource[]): string[] {
  return resources.flatMap(({ kind, metadata: { namespace = '', name }, status }) => {
    const waiting = status?.conditions?.find(({ reason }) => reason === outageReason);
    return waiting ? [`${describeKey({ kind, namespace, name })}: ${waiting.message}`] : [];
  });
}

/** What to do about resources that are not ready, where nothing is wrong with themselves. */
export function hintFor(resources: readonly StatedResource[], otherwise: string): string {
  const isOutage = listWaiting(resources).length > 0 && listNotReady(resources.filter(isNotWaiting)).length === 0;
  return isOutage ? 'They wait for the database; there is nothing to correct in them.' : otherwise;
}

function isNotWaiting(resource: StatedResource): boolean {
  return listWaiting([resource]).length === 0;
}

/** What each Organization says of the limits of its database role and of the server, where they are not all there. */
export function listMissingLimits(organizations: readonly StatedResource[]): string[] {
  return organizations.flatMap(({ metadata, status }) => {
    const condition = status?.conditions?.find(({ type }) => type === 'DatabaseLimited');
    if (condition?.status === 'True') return [];
    const why = condition
      ? `${condition.reason}: ${condition.message}`
      : 'the operator has not limited its database role';
    return `${metadata.name}: ${why}`;
  });
}

/** What each resource says by a condition of this type that is not true. @param reasons of all where absent */
export function listFalse(resources: readonly StatedResource[], type: string, reasons?: readonly string[]): string[] {
  return resources.flatMap(({ metadata, status }) => {
    const condition = status?.conditions?.find((one) => one.type === type);
    if (condition?.status !== 'False' || reasons?.includes(condition.reason) === false) return [];
    const name = metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
    return [`${name}: ${condition.message}`];
  });
}

/** The resources for which a former default still holds, since they do not state a field. */
export function listFormerDefaults(resources: readonly StatedResource[]): string[] {
  const reasons = ['FormerDefaults', 'FormerRoles'];
  return resources.flatMap(({ metadata, status }) => {
    const condition = status?.conditions?.find(({ reason }) => reasons.includes(reason));
    const name = metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
    return condition ? [`${name}: ${condition.message}`] : [];
  });
}
