import type { ApiClient } from '../cluster/kubernetes/api-client.ts';
import { isConflict, isNotFound } from '../cluster/kubernetes/api-error.ts';
import type { ApiMetadata, ApiObject } from '../cluster/kubernetes/api-object.ts';
import { apply } from '../cluster/kubernetes/field-manager.ts';
import { ownerLabel } from '../cluster/owned.ts';
import type { RollableWorkload } from '../sidecars/rollout.ts';
import type { GatewayKind, GatewayObject } from './desired.ts';

/** A gateway's Deployment as the API server has it. */
export type GatewayDeployment = RollableWorkload & { readonly metadata: ApiMetadata };

/** Reads and writes the objects of gateways, all in the operator's namespace. */
export interface GatewayObjects {
  find(kind: GatewayKind, name: string): Promise<ApiObject | undefined>;
  /** Creates or changes an object. @throws ApiError where the API server refuses it */
  apply(object: GatewayObject): Promise<ApiObject>;
  /** Deletes an object that was made for the owner. A missing one, or another's, is left alone. */
  remove(kind: GatewayKind, name: string, ownerUid: string): Promise<void>;
}

const collections: { readonly [K in GatewayKind]: (namespace: string) => string } = {
  Deployment: (namespace) => `/apis/apps/v1/namespaces/${namespace}/deployments`,
  Service: (namespace) => `/api/v1/namespaces/${namespace}/services`,
  HorizontalPodAutoscaler: (namespace) => `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`,
  PodDisruptionBudget: (namespace) => `/apis/policy/v1/namespaces/${namespace}/poddisruptionbudgets`,
};

export function deploymentsPath(namespace: string): string {
  return collections.Deployment(namespace);
}

/** Whether an object was made for the Organization with this uid. */
export function isMadeFor({ metadata: { labels } }: ApiObject, ownerUid: string): boolean {
  return labels?.[ownerLabel] === ownerUid;
}

export function makeGatewayObjects(client: Pick<ApiClient, 'send'>, namespace: string): GatewayObjects {
  const pathOf = (kind: GatewayKind, name: string) => `${collections[kind](namespace)}/${encodeURIComponent(name)}`;
  const find = async (kind: GatewayKind, name: string) => {
    try {
      return await client.send<ApiObject>({ method: 'GET', path: pathOf(kind, name) });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };
  return {
    find,
    apply: (object) => apply<ApiObject>(client, pathOf(object.kind, object.metadata.name), object),
    async remove(kind, name, ownerUid) {
      const found = await find(kind, name);
      if (!found || !isMadeFor(found, ownerUid)) return;
      try {
        const body = { preconditions: { uid: found.metadata.uid }, propagationPolicy: 'Background' };
        await client.send({ method: 'DELETE', path: pathOf(kind, name), body });
      } catch (error) {
        // It is gone, or another object has replaced it.
        if (!isNotFound(error) && !isConflict(error)) throw error;
      }
    },
  };
}
