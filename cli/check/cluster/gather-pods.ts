import type { Organization } from '../../../crds/resources.generated.ts';
import { injectedLabel, injectLabel } from '../../../operator/injection/marks.ts';
import type { ClusterPod } from './facts.ts';
import type { MetaOnly } from './objects.ts';
import type { Reader } from './reader.ts';

/** The pods of the namespaces that belong to organizations. */
export async function gatherMemberPods(
  { list }: Reader,
  organizations: readonly Organization[],
  scope?: string,
): Promise<readonly ClusterPod[]> {
  const members = new Set(organizations.flatMap(({ status }) => status?.memberNamespaces ?? []));
  const namespaces = scope === undefined ? members : members.intersection(new Set([scope]));
  const found = await Promise.all(
    [...namespaces].map((namespace) => list<ClusterPod & MetaOnly>(`/api/v1/namespaces/${namespace}/pods`)),
  );
  return found.flat();
}

/** The pods that have the injection label or a sidecar, and all pods of namespaces with the label. It reads no others. */
export async function gatherPods(
  { list, listMeta, find }: Reader,
  scope: string | undefined,
): Promise<readonly ClusterPod[]> {
  const pods = <Pod extends ClusterPod & MetaOnly>(path: string, label?: string) =>
    list<Pod>(path, label === undefined ? {} : { labelSelector: `${label}=true` });
  const place = scope === undefined ? '/api/v1/pods' : `/api/v1/namespaces/${scope}/pods`;
  const [asking, injected, namespaces] = await Promise.all([
    pods(place, injectLabel),
    pods(place, injectedLabel),
    scope === undefined
      ? listMeta('/api/v1/namespaces', { labelSelector: `${injectLabel}=true` })
      : find<MetaOnly>(`/api/v1/namespaces/${scope}`).then((one) =>
          one?.metadata.labels?.[injectLabel] === 'true' ? [one] : [],
        ),
  ]);
  const within = await Promise.all(namespaces.map(({ metadata }) => pods(`/api/v1/namespaces/${metadata.name}/pods`)));
  const found = [...asking, ...injected, ...within.flat()];
  return [...new Map(found.map((pod) => [pod.metadata.uid, pod])).values()];
}
