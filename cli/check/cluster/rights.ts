import type { ApiClient } from '../../../operator/cluster/kubernetes/api-client.ts';
import { ApiError, isNotFound } from '../../../operator/cluster/kubernetes/api-error.ts';

/** The kinds of the chart's objects. A test compares them with its templates. */
export const chartResources = [
  { group: 'apiextensions.k8s.io', kind: 'CustomResourceDefinition', isNamespaced: false },
  { group: 'rbac.authorization.k8s.io', kind: 'ClusterRole', isNamespaced: false },
  { group: 'rbac.authorization.k8s.io', kind: 'ClusterRoleBinding', isNamespaced: false },
  { group: 'admissionregistration.k8s.io', kind: 'MutatingWebhookConfiguration', isNamespaced: false },
  { group: 'admissionregistration.k8s.io', kind: 'ValidatingWebhookConfiguration', isNamespaced: false },
  { group: 'admissionregistration.k8s.io', kind: 'ValidatingAdmissionPolicy', isNamespaced: false },
  { group: 'admissionregistration.k8s.io', kind: 'ValidatingAdmissionPolicyBinding', isNamespaced: false },
  { group: 'rbac.authorization.k8s.io', kind: 'Role', isNamespaced: true },
  { group: 'rbac.authorization.k8s.io', kind: 'RoleBinding', isNamespaced: true },
  { group: '', kind: 'ServiceAccount', isNamespaced: true },
  { group: '', kind: 'Service', isNamespaced: true },
  { group: '', kind: 'Secret', isNamespaced: true },
  { group: '', kind: 'ConfigMap', isNamespaced: true },
  { group: 'apps', kind: 'Deployment', isNamespaced: true },
  { group: 'apps', kind: 'StatefulSet', isNamespaced: true },
  { group: 'batch', kind: 'CronJob', isNamespaced: true },
  { group: '', kind: 'Pod', isNamespaced: true },
  { group: 'policy', kind: 'PodDisruptionBudget', isNamespaced: true },
  { group: 'networking.k8s.io', kind: 'NetworkPolicy', isNamespaced: true },
] as const;

interface Right {
  readonly group: string;
  /** The plural in lower case, as in paths. */
  readonly resource: string;
  readonly namespace?: string;
}

/** Lists the objects of the chart, and its namespace if missing, that the user may not create. */
export async function listMissingRights(client: ApiClient, namespace: string): Promise<readonly string[]> {
  const rights: Right[] = chartResources.map(({ group, kind, isNamespaced }) => ({
    group,
    resource: toPlural(kind),
    ...(isNamespaced && { namespace }),
  }));
  if (!(await exists(client, namespace))) rights.push({ group: '', resource: 'namespaces' });
  const answers = await Promise.all(rights.map((right) => isAllowed(client, right)));
  return rights.filter((_, index) => !answers[index]).map(describe);
}

function toPlural(kind: string): string {
  const name = kind.toLowerCase();
  return name.endsWith('y') ? `${name.slice(0, -1)}ies` : `${name}s`;
}

function describe({ group, resource, namespace }: Right): string {
  const full = group === '' ? resource : `${resource}.${group}`;
  return namespace === undefined ? full : `${full} in namespace ${namespace}`;
}

async function exists(client: ApiClient, namespace: string): Promise<boolean> {
  try {
    await client.send({ method: 'GET', path: `/api/v1/namespaces/${namespace}` });
    return true;
  } catch (error) {
    if (isNotFound(error)) return false;
    // The user may not look. The namespace probably exists.
    if (error instanceof ApiError && error.status === 403) return true;
    throw error;
  }
}

async function isAllowed(client: ApiClient, right: Right): Promise<boolean> {
  const { status } = await client.send<{ status: { allowed: boolean } }>({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    body: {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: { verb: 'create', ...right } },
    },
  });
  return status.allowed;
}
