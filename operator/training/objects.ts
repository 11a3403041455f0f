import type { ApiClient } from '../cluster/kubernetes/api-client.ts';
import { ApiError, isConflict, isNotFound } from '../cluster/kubernetes/api-error.ts';
import type { ApiObject } from '../cluster/kubernetes/api-object.ts';
import { apply } from '../cluster/kubernetes/field-manager.ts';
import { ownerLabel } from '../cluster/owned.ts';

/** What the operator makes for training. */
export const trainingKinds = {
  Job: { group: '/apis/batch/v1', plural: 'jobs' },
  TrainJob: { group: '/apis/trainer.kubeflow.org/v1alpha1', plural: 'trainjobs' },
  Service: { group: '/api/v1', plural: 'services' },
  Deployment: { group: '/apis/apps/v1', plural: 'deployments' },
  HorizontalPodAutoscaler: { group: '/apis/autoscaling/v2', plural: 'horizontalpodautoscalers' },
  InferenceService: { group: '/apis/serving.kserve.io/v1beta1', plural: 'inferenceservices' },
} as const;

export type TrainingKind = keyof typeof trainingKinds;
/** Kinds that not every cluster has. */
export type ForeignKind = 'TrainJob' | 'InferenceService';

/** The condition of any object of these kinds. */
export interface ObjectCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface StatefulObject extends ApiObject {
  readonly spec?: { readonly replicas?: number };
  readonly status?: {
    readonly conditions?: readonly ObjectCondition[];
    readonly ready?: number;
    readonly active?: number;
  };
}

/** A pod, as far as it is read here. */
export interface TrainingPod extends ApiObject {
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly ObjectCondition[];
    readonly containerStatuses?: readonly {
      readonly name: string;
      readonly ready: boolean;
      readonly state?: {
        readonly waiting?: { readonly reason?: string; readonly message?: string };
        readonly terminated?: { readonly reason?: string; readonly message?: string; readonly exitCode?: number };
      };
    }[];
  };
}

export interface ObjectPlace {
  readonly namespace: string;
  readonly name: string;
}

/** An object as server-side apply takes it. */
export interface AppliedObject {
  readonly kind: TrainingKind;
  readonly metadata: ObjectPlace & {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: object;
  };
  readonly spec: object;
}

/** Reads and writes what training is made of. */
export interface TrainingObjects {
  /** Whether the cluster has a kind. What it says is remembered for a minute. */
  has(kind: ForeignKind): Promise<boolean>;
  /** The fields that the cluster's version of a kind has in its spec. Remembered for a minute. */
  fieldsOf(kind: ForeignKind): Promise<readonly string[]>;
  find(kind: TrainingKind, place: ObjectPlace): Promise<StatefulObject | undefined>;
  /** Creates or changes an object. @throws {ApiError} where the API server refuses it */
  apply(object: AppliedObject): Promise<StatefulObject>;
  /** Deletes an object that was made for the owner, with what belongs to it. @returns whether it is gone */
  remove(kind: TrainingKind, place: ObjectPlace, ownerUid: string): Promise<boolean>;
  pods(namespace: string, labelSelector: string): Promise<readonly TrainingPod[]>;
  /** The end of what a pod's container has printed. Undefined: it has not begun, or its node does not answer. */
  log(place: ObjectPlace, container: string | undefined): Promise<string | undefined>;
}

const rememberedMs = 60_000;
const logLines = '200';
const mostLogBytes = 4 * 2 ** 20;

export function isMadeFor({ metadata: { labels } }: ApiObject, ownerUid: string): boolean {
  return labels?.[ownerLabel] === ownerUid;
}

export function makeTrainingObjects(
  client: Pick<ApiClient, 'send' | 'open'>,
  nowMs: () => number = Date.now,
): TrainingObjects {
  const pathOf = (kind: TrainingKind, { namespace, name }: ObjectPlace) =>
    `${trainingKinds[kind].group}/namespaces/${namespace}/${trainingKinds[kind].plural}/${encodeURIComponent(name)}`;
  const isThere = remember(nowMs, async (kind) => {
    const { group, plural } = trainingKinds[kind];
    const list = await orUndefined(client.send<{ resources: { name: string }[] }>({ method: 'GET', path: group }));
    return list?.resources.some(({ name }) => name === plural) ?? false;
  });
  const fieldsOf = remember(nowMs, async (kind) => {
    const path = `/openapi/v3${trainingKinds[kind].group}`;
    return readSpecFields(kind, await orUndefined(client.send<OpenApi>({ method: 'GET', path })));
  });
  const find = (kind: TrainingKind, place: ObjectPlace) =>
    orUndefined(client.send<StatefulObject>({ method: 'GET', path: pathOf(kind, place) }));
  return {
    has: isThere,
    fieldsOf,
    find,
    apply: (object) => apply<StatefulObject>(client, pathOf(object.kind, object.metadata), object),
    async remove(kind, place, ownerUid) {
      const found = await find(kind, place);
      if (!found || !isMadeFor(found, ownerUid)) return true;
      if (found.metadata.deletionTimestamp !== undefined) return false;
      try {
        const body = { preconditions: { uid: found.metadata.uid }, propagationPolicy: 'Background' };
        await client.send({ method: 'DELETE', path: pathOf(kind, place), body });
      } catch (error) {
        // It is gone, or another object has replaced it.
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
      return (await find(kind, place)) === undefined;
    },
    async pods(namespace, labelSelector) {
      const path = `/api/v1/namespaces/${namespace}/pods`;
      const { items } = await client.send<{ items: TrainingPod[] }>({ method: 'GET', path, query: { labelSelector } });
      return items;
    },
    async log({ namespace, name }, container) {
      const path = `/api/v1/namespaces/${namespace}/pods/${encodeURIComponent(name)}/log`;
      const query = { tailLines: logLines, limitBytes: String(mostLogBytes), container };
      try {
        const body = await client.open({ method: 'GET', path, query, accept: '*/*' });
        return await body.text();
      } catch (error) {
        // The container has not begun, the pod is gone, or its node cannot be reached.
        if (error instanceof ApiError && error.status !== 403) return undefined;
        throw error;
      }
    },
  };
}

async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

/** Asks about a kind once a minute. */
function remember<T>(nowMs: () => number, ask: (kind: ForeignKind) => Promise<T>): (kind: ForeignKind) => Promise<T> {
  const known = new Map<ForeignKind, { readonly answer: T; readonly untilMs: number }>();
  return async (kind) => {
    const remembered = known.get(kind);
    if (remembered && remembered.untilMs > nowMs()) return remembered.answer;
    const answer = await ask(kind);
    known.set(kind, { answer, untilMs: nowMs() + rememberedMs });
    return answer;
  };
}

/** The part of an API server's OpenAPI document that is read here. */
interface OpenApi {
  readonly components?: {
    readonly schemas?: Readonly<
      Record<
        string,
        {
          readonly 'x-kubernetes-group-version-kind'?: readonly { readonly kind: string }[];
          readonly properties?: { readonly spec?: { readonly properties?: object } };
        }
      >
    >;
  };
}

function readSpecFields(kind: ForeignKind, document: OpenApi | undefined): readonly string[] {
  const schema = Object.values(document?.components?.schemas ?? {}).find((one) =>
    one['x-kubernetes-group-version-kind']?.some((named) => named.kind === kind),
  );
  return Object.keys(schema?.properties?.spec?.properties ?? {});
}
