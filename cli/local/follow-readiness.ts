import { customKinds } from '../../crds/definition.ts';
import type { Condition } from '../../crds/object-meta.ts';
import type { Cluster } from '../../operator/cluster/cluster.ts';
import { eventTypeOf, inactiveReason } from '../../operator/runtime/conditions.ts';
import { describeChanges, type Known, type Readiness, type Told } from './readiness.ts';

export interface FollowReadinessContext {
  readonly cluster: Pick<Cluster, 'list' | 'subscribe'>;
  readonly tell: (told: Told) => void;
}

/** A new object, or one whose Secret comes with the next file, is not ready for a moment. */
const settleMs = 400;

/**
 * Reports what is not ready now. From then on, it reports what stops being ready, what is ready again, and what is
 * deleted.
 *
 * @returns a function that ends it
 */
export function followReadiness({ cluster, tell }: FollowReadinessContext): () => void {
  let known = look(cluster);
  let timer: NodeJS.Timeout | undefined;
  const compare = () => {
    timer = undefined;
    const now = look(cluster, known);
    const told = describeChanges(known, now);
    known = now;
    if (told.wrong.length + told.notes.length > 0) tell(told);
  };
  const { wrong } = describeChanges(new Map(), known);
  if (wrong.length > 0) tell({ wrong, notes: [] });
  const unsubscribe = cluster.subscribe(() => {
    clearTimeout(timer);
    timer = setTimeout(compare, settleMs).unref();
  });
  return () => {
    clearTimeout(timer);
    unsubscribe();
  };
}

/** Whether an object is not ready for a reason that passes by itself. */
function isPassing({ type, status, reason, message }: Condition): boolean {
  const verdict = { type, status: status === 'True', reason, message };
  return !verdict.status && reason !== inactiveReason && eventTypeOf(verdict) === 'Normal';
}

/** @param before the last known state, for objects whose change the operator has not judged yet */
function look(cluster: Pick<Cluster, 'list'>, before?: Known): Known {
  const known = new Map<string, Readiness>();
  for (const kind of customKinds) {
    for (const { metadata, status } of cluster.list(kind)) {
      const { namespace = '', name } = metadata;
      const id = `${kind} ${namespace}/${name}`;
      const ready = status?.conditions?.find(({ type }) => type === 'Ready');
      if (ready && ready.observedGeneration === metadata.generation && !isPassing(ready)) {
        const isWell = ready.status === 'True' || ready.reason === inactiveReason;
        known.set(id, { kind, namespace, name, isWell, reason: ready.reason, message: ready.message });
      } else {
        const former = before?.get(id);
        if (former) known.set(id, former);
      }
    }
  }
  return known;
}
