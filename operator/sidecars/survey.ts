import type { Organization } from '../../crds/resources.generated.ts';
import { currentSidecar } from '../injection/current.ts';
import { hashAnnotation } from '../injection/marks.ts';
import type { PodMeta, PodNamespace } from '../injection/pod.ts';
import type { InjectionSettings } from '../injection/settings.ts';
import { workloadKindOf, workloadOf } from '../injection/workload.ts';
import { claimantsOf } from '../membership.ts';

/** The metadata of a pod that has a sidecar. */
export interface InjectedPod extends PodMeta {
  readonly name: string;
  readonly namespace: string;
  readonly deletionTimestamp?: string;
}

export interface WorkloadRef {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

/** A workload with pods whose sidecar is outdated. */
export interface OutdatedWorkload extends WorkloadRef {
  /** How many of its pods are outdated. */
  readonly pods: number;
  /** The hash annotation that they would get now. */
  readonly hash: string;
  /** The name of one outdated pod. */
  readonly pod: string;
  /** The labels of that pod. */
  readonly labels: Readonly<Record<string, string>>;
}

/** The sidecars of an organization. */
export interface SidecarSurvey {
  /** Numbers of pods by namespace. */
  readonly pods: ReadonlyMap<string, { readonly current: number; readonly outdated: number }>;
  /** Sorted by namespace, kind and name. */
  readonly outdated: readonly OutdatedWorkload[];
}

export interface SurveyedCluster {
  readonly pods: readonly InjectedPod[];
  readonly organizations: readonly Organization[];
  namespaceOf(name: string): PodNamespace | undefined;
}

/**
 * Counts current and outdated sidecars by organization. Terminating pods do not count. Neither do pods that no longer
 * belong to an organization: their sidecars have lost their credentials, and a new pod would not be admitted.
 */
export function surveySidecars(
  { pods, organizations, namespaceOf }: SurveyedCluster,
  settings: InjectionSettings,
): ReadonlyMap<string, SidecarSurvey> {
  const surveys = new Map<string, ReturnType<typeof makeSurvey>>();
  const membersOf = memoize((name: string) => claimantsOf(organizations, namespaceOf(name) ?? { name }));
  for (const pod of pods) {
    const namespace = namespaceOf(pod.namespace);
    if (pod.deletionTimestamp !== undefined || !namespace) continue;
    const current = currentSidecar(pod, namespace, membersOf(pod.namespace), settings);
    if ('action' in current) continue;
    const survey = surveys.get(current.organization) ?? makeSurvey();
    surveys.set(current.organization, survey);
    survey.add(pod, current.hash);
  }
  return new Map([...surveys].map(([organization, survey]) => [organization, survey.finish()]));
}

function makeSurvey() {
  const counts = new Map<string, { current: number; outdated: number }>();
  const outdated = new Map<string, OutdatedWorkload>();
  return {
    add(pod: InjectedPod, hash: string): void {
      const count = counts.get(pod.namespace) ?? { current: 0, outdated: 0 };
      counts.set(pod.namespace, count);
      if (pod.annotations?.[hashAnnotation] === hash) {
        count.current += 1;
        return;
      }
      count.outdated += 1;
      const ref = { kind: workloadKindOf(pod), namespace: pod.namespace, name: nameOf(pod) };
      const id = describeWorkload(ref);
      const before = outdated.get(id);
      outdated.set(
        id,
        before
          ? { ...before, pods: before.pods + 1 }
          : { ...ref, pods: 1, hash, pod: pod.name, labels: pod.labels ?? {} },
      );
    },
    finish: (): SidecarSurvey => ({
      pods: counts,
      outdated: [...outdated.values()].sort((one, other) => (sortKey(one) < sortKey(other) ? -1 : 1)),
    }),
  };
}

/** A bare pod has its own name, which the API server may have generated. */
function nameOf(pod: InjectedPod): string {
  return workloadKindOf(pod) === 'Pod' ? pod.name : workloadOf(pod);
}

function sortKey({ namespace, kind, name }: WorkloadRef): string {
  return [namespace, kind, name].join('\0');
}

/** Formats a workload for people: `Deployment shop/web`. */
export function describeWorkload({ kind, namespace, name }: WorkloadRef): string {
  return `${kind} ${namespace}/${name}`;
}

function memoize<T>(make: (key: string) => T): (key: string) => T {
  const made = new Map<string, T>();
  return (key) => {
    const known = made.get(key);
    if (known !== undefined) return known;
    const value = make(key);
    made.set(key, value);
    return value;
  };
}
