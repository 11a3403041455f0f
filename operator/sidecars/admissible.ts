import type { Organization } from '../../crds/resources.generated.ts';
import { pathOf } from '../cluster/object-key.ts';
import { credentialsOf } from '../injection/decide.ts';
import { findAdmissionProblem } from '../injection/obstacle.ts';
import type { Pod } from '../injection/pod.ts';
import { describeWorkload, type OutdatedWorkload } from './survey.ts';

/** A workload whose running pods would be refused if they were created now, because they are older than a rule. */
export interface InadmissibleWorkload {
  readonly workload: OutdatedWorkload;
  /** What is wrong and what to do, for people. */
  readonly why: string;
}

/** Finds inadmissible workloads. It reads each pod once, since a pod's specification does not change. */
export type FindInadmissible = (
  outdated: readonly OutdatedWorkload[],
  organizations: readonly Organization[],
) => Promise<readonly InadmissibleWorkload[]>;

/** @param findPod reads a pod by namespace and name; undefined where it is gone or unreadable */
export function makeFindInadmissible(
  findPod: (namespace: string, name: string) => Promise<Pod | undefined>,
): FindInadmissible {
  let known = new Map<string, string | undefined>();
  return async (outdated, organizations) => {
    const credentials = credentialsOf(organizations);
    const seen = new Map<string, string | undefined>();
    for (const { namespace, pod } of outdated) {
      const id = pathOf({ namespace, name: pod });
      if (known.has(id)) seen.set(id, known.get(id));
      else {
        const found = await findPod(namespace, pod);
        seen.set(id, found && findAdmissionProblem(found, credentials)?.message);
      }
    }
    known = seen;
    return outdated.flatMap((workload) => {
      const why = known.get(pathOf({ namespace: workload.namespace, name: workload.pod }));
      return why === undefined ? [] : [{ workload, why }];
    });
  };
}

/** Lists inadmissible workloads for people, at most `maxNamed` of them. */
export function listInadmissible(inadmissible: readonly InadmissibleWorkload[], maxNamed: number): string {
  const named = inadmissible.slice(0, maxNamed).map(({ workload, why }) => `${describeWorkload(workload)}: ${why}`);
  const others = inadmissible.length > maxNamed ? ` And ${inadmissible.length - maxNamed} more.` : '';
  return `${named.join(' ')}${others}`;
}
