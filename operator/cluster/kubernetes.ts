import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { CustomKind } from '../../crds/definition.ts';
import type { ReflectionObserver } from '../runtime/reflection.ts';
import { makeCache } from './cache.ts';
import type { Cluster, ObjectKey } from './cluster.ts';
import { makeAdmission } from './kubernetes/admission.ts';
import type { ApiClient } from './kubernetes/api-client.ts';
import { makeContentReader } from './kubernetes/content-reader.ts';
import { makeEventRecorder } from './kubernetes/event-recorder.ts';
import { makeFinalizers } from './kubernetes/finalizers.ts';
import { findKnown, learn, makeMirrors, versioned } from './kubernetes/mirrors.ts';
import { makeOwnWrites } from './kubernetes/own-writes.ts';
import { makeOwnedSecrets } from './kubernetes/owned-secrets.ts';
import { makeOwnedSink } from './kubernetes/owned-sink.ts';
import { makeReferences } from './kubernetes/references.ts';
import { startReflections } from './kubernetes/reflections.ts';
import { defaultTimings, type Reflector, type ReflectorTimings } from './kubernetes/reflector.ts';
import type { CustomApiObject } from './kubernetes/resources.ts';
import { makeStatusWriter } from './kubernetes/status-writer.ts';
import { idOf } from './object-key.ts';

export { type ApiClient, makeApiClient } from './kubernetes/api-client.ts';

export interface KubernetesClusterOptions {
  readonly client: ApiClient;
  /** The operator's namespace. */
  readonly namespace: string;
  readonly log: Logger;
  readonly observer?: ReflectionObserver;
  readonly timings?: ReflectorTimings;
}

export interface KubernetesCluster extends Cluster {
  /** The reflectors, for metrics and liveness. Empty before `start`. */
  reflectors(): readonly Reflector[];
  /** Lists the operator's Secrets into the cache, including what another process wrote last. */
  refresh(): Promise<void>;
}

const silentObserver: ReflectionObserver = { listed: () => {}, watched: () => {} };
const eventDrainMs = 2_000;

/**
 * The cluster behind an API server.
 *
 * Our kinds and Namespaces are watched in full, and so are the operator's Secrets, by their label. Of all other Secrets
 * and ConfigMaps only the metadata is watched; those that a resource refers to, or whose label says that they hold articles, are read by name. `start` waits for the
 * API server without a limit.
 */
export function makeKubernetesCluster(options: KubernetesClusterOptions): KubernetesCluster {
  const { client, namespace, log, observer = silentObserver, timings = defaultTimings } = options;
  const closing = new AbortController();
  const cache = makeCache();
  const references = makeReferences({
    read: makeContentReader(client, log),
    put: (key, content) => {
      cache.put(key.kind, content);
      cache.announce(key, 'foreign');
    },
    remove: (key) => {
      cache.remove(key);
      cache.announce(key, 'foreign');
    },
    backoffMs: timings.backoffMs,
    signal: closing.signal,
    log,
  });
  const ownWrites = makeOwnWrites();
  const admission = makeAdmission({ cache, references, ownWrites, operatorNamespace: namespace });
  const mirrors = makeMirrors(admission);
  const learnOf = <K extends CustomKind>({ kind }: ObjectKey<K>, answer: CustomApiObject<K>) =>
    learn(mirrors.custom[kind], answer);
  const known = (key: ObjectKey<CustomKind>) => findKnown(mirrors, key);
  const finalizers = makeFinalizers({ client, known, learn: learnOf });
  const updateStatus = makeStatusWriter({ client, known, learn: learnOf, about: ownWrites.status });
  const secrets = makeOwnedSecrets({
    client,
    known: (key) => mirrors.secrets.mirror.get(idOf(key))?.object,
    about: ownWrites.secret,
    learn: (answer) => learn(mirrors.secrets, answer),
    forget: (key) => mirrors.secrets.mirror.forget(idOf(key)),
  });
  const events = makeEventRecorder({
    client,
    uidOf: ({ kind, namespace: place, name }) => cache.get(kind, place, name)?.metadata.uid,
    instance: hostname(),
    now: () => new Date(),
    log,
  });
  const ownedSecrets = makeOwnedSink({
    mirror: mirrors.secrets.mirror,
    read: async ({ metadata: { namespace: place = '', name } }) => {
      const secret = await secrets.find({ kind: 'Secret', namespace: place, name });
      return secret && versioned(mirrors.secrets.decode, secret);
    },
    backoffMs: timings.backoffMs,
    signal: closing.signal,
    log,
  });
  let reflectors: readonly Reflector[] = [];
  let isStarted = false;

  return {
    get: cache.get,
    list: cache.list,
    subscribe: (listener) =>
      cache.subscribe((key, change) => {
        if (isStarted) listener(key, change);
      }),
    reflectors: () => reflectors,
    refresh: secrets.refresh,

    async start() {
      reflectors = startReflections({ client, mirrors, references, ownedSecrets, timings, observer, log });
      await Promise.all(reflectors.map(({ synced }) => synced));
      await admission.settled();
      await references.settled();
      isStarted = true;
    },
    async close() {
      await Promise.race([events.drained(), new Promise((resolve) => setTimeout(resolve, eventDrainMs).unref())]);
      closing.abort();
      await Promise.all(reflectors.map((reflector) => reflector.stop()));
    },

    updateStatus,
    applySecret: secrets.apply,
    deleteSecret: secrets.delete,
    addFinalizer: finalizers.add,
    removeFinalizer: finalizers.remove,
    recordEvent: async (key, event) => events.record(key, event),
  };
}
