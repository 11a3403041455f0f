import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { EventNote } from '../cluster/cluster.ts';
import type { ApiClient } from '../cluster/kubernetes/api-client.ts';
import type { Pod } from './pod.ts';
import { workloadOf } from './workload.ts';

export type RecordPodEvent = (pod: Pod, namespace: string, note: EventNote) => void;

/** A Deployment of a hundred pods gets the same Event only once in this time. */
const silenceMs = 3_600_000;

/**
 * Records Events about pods that do not exist yet. The Event is on the pod's owner, which exists and where people look,
 * or on the name of a pod without an owner. An Event that cannot be recorded is dropped.
 *
 * @param instance the name of the reporting operator's pod
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
      // The API server requires microseconds.
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
      log.debug({ err: error, reason }, 'cannot record an Event');
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
