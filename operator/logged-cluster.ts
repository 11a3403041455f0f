import type { Logger } from 'pino';
import type { Condition } from '../crds/object-meta.ts';
import type { Cluster, ObjectKey } from './cluster/cluster.ts';

/**
 * Wraps the cluster and logs its changes: each changed condition, each written or deleted Secret, each removed
 * finalizer, and each Event that no condition reports. The log fields are named as in controller-runtime.
 */
export function logChanges(cluster: Cluster, log: Logger): Cluster {
  const conditionsOf = (key: ObjectKey): readonly Condition[] => {
    const object = cluster.get(key.kind, key.namespace, key.name);
    return (object && 'status' in object && object.status?.conditions) || [];
  };
  const secretAt = (namespace: string, name: string) => cluster.get('Secret', namespace, name);
  return {
    ...cluster,
    async updateStatus(key, status, ended) {
      const before = conditionsOf(key);
      await cluster.updateStatus(key, status, ended);
      for (const { type, status: value, reason, message } of status.conditions ?? []) {
        const previous = before.find((condition) => condition.type === type);
        if (previous?.status === value && previous.reason === reason) continue;
        const entry = { ...toLogKeys(key), condition: type, status: value, reason, message };
        if (value === 'True') log.info(entry, 'condition changed');
        else log.warn(entry, 'condition changed');
      }
    },
    async applySecret(secret) {
      const { namespace, name } = secret;
      const before = secretAt(namespace, name);
      await cluster.applySecret(secret);
      if (secretAt(namespace, name) !== before) log.info({ secret: { namespace, name } }, 'Secret written');
    },
    async deleteSecret(namespace, name, isOwn) {
      const before = secretAt(namespace, name);
      await cluster.deleteSecret(namespace, name, isOwn);
      if (before && !secretAt(namespace, name)) log.info({ secret: { namespace, name } }, 'Secret removed');
    },
    async removeFinalizer(key, finalizer) {
      await cluster.removeFinalizer(key, finalizer);
      log.info(toLogKeys(key), 'cleaned up after a deleted object, and removed its finalizer');
    },
    async recordEvent(key, event) {
      const { type, reason, message } = event;
      const isCondition = conditionsOf(key).some((condition) => condition.reason === reason);
      if (!isCondition) log[type === 'Normal' ? 'info' : 'warn']({ ...toLogKeys(key), reason, message }, 'event');
      await cluster.recordEvent(key, event);
    },
  };
}

/** The log fields of a key, as in controller-runtime: the controller, and the object's namespace and name. */
function toLogKeys({ kind, namespace, name }: ObjectKey): Record<string, string> {
  return { controller: kind.toLowerCase(), ...(namespace !== '' && { namespace }), name };
}
