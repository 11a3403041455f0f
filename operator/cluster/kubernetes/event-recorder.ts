import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { EventNote, ObjectKey } from '../cluster.ts';
import type { ApiClient } from './api-client.ts';
import { isConflict, isNotFound } from './api-error.ts';
import { fieldManager } from './field-manager.ts';
import { apiVersionOf } from './resources.ts';

export interface EventRecorderOptions {
  readonly client: ApiClient;
  /** The uid of the object that an Event is about. */
  readonly uidOf: (key: ObjectKey) => string | undefined;
  /** The name of this process in the Events. */
  readonly instance: string;
  readonly now: () => Date;
  readonly log: Logger;
}

/** Records Events in the background. No reconciler waits for them, and excess Events are dropped. */
export interface EventRecorder {
  record(key: ObjectKey, event: EventNote): void;
  /** Resolves when all have been sent. */
  drained(): Promise<void>;
}

const mostWaiting = 2_000;
const atOnce = 2;
const collection = (namespace: string) => `/apis/events.k8s.io/v1/namespaces/${namespace}/events`;

/**
 * Records Events of events.k8s.io/v1. The same message about the same object is the same Event, and its series counts
 * the repetitions. An API server deletes Events after an hour; the next one is then new.
 */
export function makeEventRecorder({ client, uidOf, instance, now, log }: EventRecorderOptions): EventRecorder {
  const counts = new LRUCache<string, number>({ max: 4_096 });
  const waiting: { key: ObjectKey; event: EventNote }[] = [];
  const workers = new Set<Promise<void>>();

  const repeat = async (path: string, count: number) => {
    await client.send({
      method: 'PATCH',
      path,
      query: { fieldManager },
      contentType: 'application/merge-patch+json',
      body: { series: { count, lastObservedTime: microTime(now()) } },
    });
    return count;
  };
  const create = async (namespace: string, name: string, key: ObjectKey, event: EventNote) => {
    const body = toApiEvent(namespace, name, key, uidOf(key), event, instance, now());
    await client.send({ method: 'POST', path: collection(namespace), query: { fieldManager }, body });
    return 1;
  };
  const send = async (key: ObjectKey, event: EventNote) => {
    // Events about cluster-scoped objects are in this namespace.
    const namespace = key.namespace || 'default';
    const name = nameOf(key, uidOf(key), event);
    const path = `${collection(namespace)}/${name}`;
    const count = counts.get(path);
    try {
      counts.set(path, count === undefined ? await create(namespace, name, key, event) : await repeat(path, count + 1));
    } catch (error) {
      if (count !== undefined && isNotFound(error)) {
        counts.set(path, await create(namespace, name, key, event));
      } else if (count === undefined && isConflict(error)) {
        // An earlier process made the Event. Reading its count would need the right to read Events, which is not worth
        // it.
        counts.set(path, await repeat(path, 2));
      } else {
        throw error;
      }
    }
  };
  const work = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const { key, event } = next;
      await send(key, event).catch((error: unknown) => log.debug({ err: error, ...key }, 'cannot record an Event'));
    }
  };

  return {
    record(key, event) {
      if (waiting.length >= mostWaiting) return;
      waiting.push({ key, event });
      if (workers.size >= atOnce) return;
      const worker = work().finally(() => workers.delete(worker));
      workers.add(worker);
    },
    async drained() {
      await Promise.all(workers);
    },
  };
}

function nameOf({ kind, name }: ObjectKey, uid: string | undefined, event: EventNote): string {
  const identity = JSON.stringify([kind, uid, event.type, event.reason, event.message]);
  // Names may have 253 characters.
  return `${name.slice(0, 220)}.${createHash('sha256').update(identity).digest('hex').slice(0, 16)}`;
}

function toApiEvent(
  namespace: string,
  name: string,
  key: ObjectKey,
  uid: string | undefined,
  { type, reason, message }: EventNote,
  instance: string,
  time: Date,
): object {
  const { kind } = key;
  return {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name, namespace },
    eventTime: microTime(time),
    reportingController: 'chaperone.dev/operator',
    reportingInstance: instance,
    action: 'Reconcile',
    type,
    reason,
    // The API's limit.
    note: message.slice(0, 1_024),
    regarding: {
      apiVersion: apiVersionOf(kind),
      kind,
      name: key.name,
      ...(key.namespace !== '' && { namespace: key.namespace }),
      ...(uid !== undefined && { uid }),
    },
  };
}

/** `metav1.MicroTime`: RFC 3339 with six decimal places. */
export function microTime(time: Date): string {
  return time.toISOString().replace('Z', '000Z');
}
