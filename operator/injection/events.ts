import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { EventNote } from '../cluster/cluster.ts';
import type { ApiClient } from '../cluster/kubernetes/api-client.ts';
import type { Pod } from './pod.ts';
import { workloadOf } from './workload.ts';

export type RecordPodEvent = (pod: Pod, namespace: string, note: EventNote) => void;

/** A Deployment of a hundred pods has one thing to be told, and not a hundred times. */
const silenceMs = 3_600_000;

/**
 * Records Events about pods that are still to be created: on the pod's owner, which exists and is where people look, or
 * for a pod without one on its name. One that cannot be recorded is dropped.
 *
 * @param instance which operator reports: its pod's name
 */
export function makePodEventRecorder(client: Pick<ApiClient, 'send'>, log: Logger, instance: string): RecordPodEvent {
  const told = new LRUCache<string, true>({ max: 2_000, ttl: silenceMs });
  return (pod, namespace, { type, reason, message }) => {
    const regarding = regardingOf(pod, namespace);
    const id = JSON.stringify([regarding, reason, message]);
    if (told.has(id)) return;
    told.set(id, true);
    const event = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: `${regarding.name.slice(0, 200)}.${randomBytes(8).toString('hex')}`, namespace },
      // In microseconds, which the API server insists on.
      eventTime: new Date().toISOString().replace('Z', '000Z'),
      reportingController: 'chaperone.dev/injector',
      reportingInstance: instance,
      action: 'Inject',
      type,
      reason,
      note: message.slice(0, 1_000),
      regarding,
    };
    const path = `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;
    client.send({ method: 'POST', path, body: event }).catch((error: unknown) => {
      log.debug({ err: error, reason }, 'an Event could not be recorded');
    });
  };
}

function regardingOf(pod: Pod, namespace: string) {
  const owner = pod.metadata.ownerReferences?.find(({ controller }) => controller);
  if (owner) {
    const { apiVersion, kind, name, uid } = owner;
    return { apiVersion, kind, name, uid, namespace };
  }
  return { apiVersion: 'v1', kind: 'Pod', name: workloadOf(pod.metadata), namespace };
}
