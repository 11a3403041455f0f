import type { ApiClient } from '../cluster/kubernetes/api-client.ts';
import { isNotFound } from '../cluster/kubernetes/api-error.ts';
import { fieldManager } from '../cluster/kubernetes/field-manager.ts';
import { namespacedPath } from '../cluster/kubernetes/resources.ts';
import { parsePod } from '../injection/admission-review.ts';
import { rolledToAnnotation } from '../injection/marks.ts';
import type { Pod } from '../injection/pod.ts';
import type { RollableRef, RollableWorkload } from './rollout.ts';

/** Reads and rolls workloads by name. */
export interface Workloads {
  find(ref: RollableRef): Promise<RollableWorkload | undefined>;
  /**
   * Makes the workload's controller replace its pods, by an annotation of the template, as `kubectl rollout restart`
   * does.
   *
   * @param hash the hash annotation that the pods should get
   * @throws ApiError 409 where the workload has changed since it was read
   */
  roll(ref: RollableRef, workload: RollableWorkload, hash: string): Promise<void>;
}

const plurals = { Deployment: 'deployments', StatefulSet: 'statefulsets', DaemonSet: 'daemonsets' } as const;

export function makeWorkloads(client: Pick<ApiClient, 'send'>): Workloads {
  const pathOf = ({ kind, namespace, name }: RollableRef) =>
    `/apis/apps/v1/namespaces/${namespace}/${plurals[kind]}/${encodeURIComponent(name)}`;
  return {
    async find(ref) {
      try {
        return await client.send<RollableWorkload>({ method: 'GET', path: pathOf(ref) });
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    async roll(ref, { metadata: { resourceVersion } }, hash) {
      await client.send({
        method: 'PATCH',
        path: pathOf(ref),
        query: { fieldManager },
        contentType: 'application/merge-patch+json',
        body: {
          metadata: { resourceVersion },
          spec: { template: { metadata: { annotations: { [rolledToAnnotation]: hash } } } },
        },
      });
    },
  };
}

/** Reads a pod by name. It uses a list, since the operator already has the right to list pods. */
export function makeFindPod(
  client: Pick<ApiClient, 'send'>,
): (namespace: string, name: string) => Promise<Pod | undefined> {
  return async (namespace, name) => {
    const { items } = await client.send<{ items: readonly unknown[] }>({
      method: 'GET',
      path: namespacedPath('Pod', namespace),
      query: { fieldSelector: `metadata.name=${name}` },
    });
    const pod = items[0] === undefined ? undefined : parsePod(items[0]);
    return typeof pod === 'string' ? undefined : pod;
  };
}
