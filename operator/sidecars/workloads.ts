import type { ApiClient } from '../cluster/kubernetes/api-client.ts';
import { isNotFound } from '../cluster/kubernetes/api-error.ts';
import { fieldManager } from '../cluster/kubernetes/field-manager.ts';
import { rolledToAnnotation } from '../injection/marks.ts';
import type { RollableRef, RollableWorkload } from './rollout.ts';

/** The workloads of others, read and rolled by name. */
export interface Workloads {
  find(ref: RollableRef): Promise<RollableWorkload | undefined>;
  /**
   * Has the workload's controller make its pods anew, as `kubectl rollout restart` does: by an annotation of the template.
   *
   * @param hash what the pods are to be stamped with
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
