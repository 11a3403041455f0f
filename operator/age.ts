import { pathOf } from './cluster/object-key.ts';

interface Aged {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly creationTimestamp: string };
}

/**
 * Whether one object is older than another of its kind, by the API server's creation time in whole seconds. Within the
 * same second, the first by namespace and name counts as older, so that the same manifests give the same result in
 * every cluster. This is the rule of the Gateway API: https://gateway-api.sigs.k8s.io/guides/api-design/#conflicts
 */
export function isOlder({ metadata: one }: Aged, { metadata: other }: Aged): boolean {
  const [oneMs, otherMs] = [Date.parse(one.creationTimestamp), Date.parse(other.creationTimestamp)];
  return oneMs === otherMs ? pathOf(one) < pathOf(other) : oneMs < otherMs;
}
