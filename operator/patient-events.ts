import type { Condition } from '../crds/object-meta.ts';
import type { Cluster, EventNote, ObjectKey } from './cluster/cluster.ts';

/**
 * The cluster, with Warnings about new objects held back until the objects are `patienceMs` old. What is applied together
 * comes one after another: a binding before its Secret, an Organization before its namespace. A Warning is told only where
 * its condition is still so by then, since each is to be something that a person must act on.
 */
export function withPatience(
  cluster: Cluster,
  patienceMs: number,
  now: () => number = Date.now,
): { readonly cluster: Cluster; stop(): void } {
  const timers = new Set<NodeJS.Timeout>();
  const holds = (key: ObjectKey, { reason }: EventNote): boolean => {
    const object = cluster.get(key.kind, key.namespace, key.name);
    const conditions: readonly Condition[] = (object && 'status' in object && object.status?.conditions) || [];
    return conditions.some((condition) => condition.reason === reason && condition.status === 'False');
  };
  return {
    cluster: {
      ...cluster,
      async recordEvent(key, event) {
        const created = cluster.get(key.kind, key.namespace, key.name)?.metadata.creationTimestamp;
        const waitMs = created === undefined ? 0 : Date.parse(created) + patienceMs - now();
        // Of what no condition tells nothing will be known later.
        if (event.type === 'Normal' || !(waitMs > 0) || !holds(key, event)) return cluster.recordEvent(key, event);
        const timer = setTimeout(() => {
          timers.delete(timer);
          if (holds(key, event)) void cluster.recordEvent(key, event);
        }, waitMs);
        timers.add(timer.unref());
      },
    },
    stop() {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}
