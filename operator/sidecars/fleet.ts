import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { Gauge, type Registry } from 'prom-client';
import type { Cluster } from '../cluster/cluster.ts';
import type { ApiClient } from '../cluster/kubernetes/api-client.ts';
import type { ApiObject } from '../cluster/kubernetes/api-object.ts';
import { makeMirror } from '../cluster/kubernetes/mirror.ts';
import {
  defaultTimings,
  type Reflector,
  type ReflectorTimings,
  startReflector,
} from '../cluster/kubernetes/reflector.ts';
import { collectionPath } from '../cluster/kubernetes/resources.ts';
import { pathOf } from '../cluster/object-key.ts';
import { injectedLabel } from '../injection/marks.ts';
import type { InjectionSettings } from '../injection/settings.ts';
import type { ReflectionObserver } from '../runtime/reflection.ts';
import { type InjectedPod, type SidecarSurvey, surveySidecars } from './survey.ts';

export interface FleetContext {
  /** Must be started, with warm caches. */
  readonly cluster: Pick<Cluster, 'get' | 'list' | 'subscribe'>;
  readonly client: ApiClient;
  /** The settings of new sidecars. */
  readonly settings: InjectionSettings;
  readonly observer: ReflectionObserver;
  readonly registry: Registry;
  readonly log: Logger;
  readonly timings?: ReflectorTimings;
}

/** The pods that have a sidecar. */
export interface Fleet {
  readonly reflector: Reflector;
  /** Undefined until the pods have been listed. */
  find(organization: string): SidecarSurvey | undefined;
  /** Calls the listener with the name of each organization whose survey has changed. */
  subscribe(listener: (organization: string) => void): () => void;
  stop(): Promise<void>;
}

/** Changes come in bursts, and each survey goes over all pods. */
const surveyPauseMs = 1_000;

const noSidecars: SidecarSurvey = { pods: new Map(), outdated: [] };

/** Watches the metadata of pods that have a sidecar, and counts those whose sidecar is outdated. */
export function startFleet({ cluster, client, settings, registry, ...context }: FleetContext): Fleet {
  const listeners = new Set<(organization: string) => void>();
  const gauge = new Gauge({
    name: 'chaperone_sidecars',
    help: 'Pods with a sidecar: current if it is the one that new pods get, else outdated.',
    labelNames: ['organization', 'namespace', 'state'],
    registers: [registry],
  });
  let surveys: ReadonlyMap<string, SidecarSurvey> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isSynced = false;

  const survey = () => {
    const before = surveys ?? new Map<string, SidecarSurvey>();
    surveys = surveySidecars(
      {
        pods: mirror.all().map(({ object }) => object),
        organizations: cluster.list('Organization'),
        namespaceOf: (name) => cluster.get('Namespace', '', name)?.metadata,
      },
      settings,
    );
    publish(gauge, surveys);
    for (const organization of new Set([...before.keys(), ...surveys.keys()])) {
      if (isDeepStrictEqual(before.get(organization), surveys.get(organization))) continue;
      for (const listener of listeners) listener(organization);
    }
  };
  const surveySoon = () => {
    if (!isSynced) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      survey();
    }, surveyPauseMs);
  };
  const mirror = makeMirror<InjectedPod>(pathOf, {
    put: surveySoon,
    remove: surveySoon,
  });
  const reflector = startReflector<ApiObject, InjectedPod>({
    ...{ timings: defaultTimings, ...context },
    client,
    name: 'Pod.metadata',
    path: collectionPath('Pod'),
    labelSelector: `${injectedLabel}=true`,
    // Ended pods make no calls.
    fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed',
    metadataOnly: true,
    decode: toInjectedPod,
    sink: mirror,
  });
  const unsubscribe = cluster.subscribe(({ kind }) => {
    if (kind === 'Namespace' || kind === 'Organization') surveySoon();
  });
  reflector.synced.then(() => {
    isSynced = true;
    survey();
  });

  return {
    reflector,
    find: (organization) => surveys && (surveys.get(organization) ?? noSidecars),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async stop() {
      unsubscribe();
      await reflector.stop();
      clearTimeout(timer);
    },
  };
}

function publish(
  gauge: Gauge<'organization' | 'namespace' | 'state'>,
  surveys: ReadonlyMap<string, SidecarSurvey>,
): void {
  gauge.reset();
  for (const [organization, { pods }] of surveys) {
    for (const [namespace, { current, outdated }] of pods) {
      gauge.set({ organization, namespace, state: 'current' }, current);
      gauge.set({ organization, namespace, state: 'outdated' }, outdated);
    }
  }
}

function toInjectedPod({ metadata }: ApiObject): InjectedPod {
  const { name, namespace = '', labels, annotations, ownerReferences, generateName, deletionTimestamp } = metadata;
  return {
    name,
    namespace,
    ...(labels && { labels }),
    ...(annotations && { annotations }),
    ...(ownerReferences && { ownerReferences }),
    ...(generateName !== undefined && { generateName }),
    ...(deletionTimestamp !== undefined && { deletionTimestamp }),
  };
}
