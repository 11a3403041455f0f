import type { MetaOnly } from './objects.ts';
import type { Reader } from './reader.ts';

/** A controller whose pods Chaperone refuses. */
export interface RefusedController {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  /** The reason that the API server gave last. */
  readonly message: string;
}

interface ApiEvent extends MetaOnly {
  readonly message?: string;
  readonly involvedObject: {
    readonly apiVersion?: string;
    readonly kind: string;
    readonly namespace?: string;
    readonly name: string;
  };
}

/** The fields of a controller that show whether it has all of its pods. */
export interface Controller extends MetaOnly {
  readonly spec?: { readonly replicas?: number; readonly suspend?: boolean };
  readonly status?: {
    readonly replicas?: number;
    readonly active?: number;
    readonly succeeded?: number;
    readonly currentNumberScheduled?: number;
    readonly desiredNumberScheduled?: number;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

const paths: Readonly<Record<string, string>> = {
  ReplicaSet: '/apis/apps/v1/namespaces/NAMESPACE/replicasets',
  StatefulSet: '/apis/apps/v1/namespaces/NAMESPACE/statefulsets',
  DaemonSet: '/apis/apps/v1/namespaces/NAMESPACE/daemonsets',
  Job: '/apis/batch/v1/namespaces/NAMESPACE/jobs',
};

/** The refusals of webhooks and of admission policies. */
const refusal = /denied (?:the )?request.*$/s;

/**
 * Finds the controllers that lack pods because Chaperone refuses them. A refused pod does not exist. Only Events of its
 * controller show the refusal. They stay for an hour, even if the pod was accepted later, so the controller itself is
 * read, too.
 *
 * @param scope the only namespace that is checked
 */
export async function gatherRefusals(
  { list, find }: Reader,
  scope: string | undefined,
): Promise<readonly RefusedController[]> {
  const events = await list<ApiEvent>(scope === undefined ? '/api/v1/events' : `/api/v1/namespaces/${scope}/events`, {
    fieldSelector: 'reason=FailedCreate,type=Warning',
  });
  const last = new Map<string, RefusedController>();
  for (const { involvedObject, message = '' } of events.toSorted(byAge)) {
    const { kind, namespace = '', name } = involvedObject;
    const why = refusal.exec(message)?.[0];
    if (why === undefined || !/chaperone/i.test(message)) continue;
    last.set(`${kind}/${namespace}/${name}`, { kind, namespace, name, message: why.replace(/^denied.*?: /s, '') });
  }
  const judged = await Promise.all(
    [...last.values()].map(async (refused) => ((await isShort(find, refused)) ? [refused] : [])),
  );
  return judged.flat();
}

async function isShort(find: Reader['find'], { kind, namespace, name }: RefusedController): Promise<boolean> {
  const path = paths[kind];
  if (path === undefined) return false;
  const controller = await find<Controller>(`${path.replace('NAMESPACE', namespace)}/${name}`);
  return controller !== undefined && lacksPods(kind, controller);
}

/** Whether a controller has fewer pods than it wants. */
export function lacksPods(kind: string, { spec = {}, status = {} }: Controller): boolean {
  switch (kind) {
    case 'DaemonSet':
      return (status.currentNumberScheduled ?? 0) < (status.desiredNumberScheduled ?? 0);
    case 'Job':
      return !spec.suspend && !status.active && !status.conditions?.some((one) => isOver(one));
    default:
      return (status.replicas ?? 0) < (spec.replicas ?? 1);
  }
}

function isOver({ type, status }: { readonly type: string; readonly status: string }): boolean {
  return status === 'True' && ['Complete', 'Failed', 'SuccessCriteriaMet', 'FailureTarget'].includes(type);
}

function byAge(one: ApiEvent, other: ApiEvent): number {
  return one.metadata.creationTimestamp < other.metadata.creationTimestamp ? -1 : 1;
}
