interface Aged {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly creationTimestamp: string };
}

/**
 * Whether one object is older than another of its kind. The API server says so, in whole seconds; of two of one second
 * the first by namespace and name counts as older, so that the same manifests give the same result in every cluster.
 * It is the rule of the Gateway API: https://gateway-api.sigs.k8s.io/guides/api-design/#conflicts
 */
export function isOlder({ metadata: one }: Aged, { metadata: other }: Aged): boolean {
  const [oneMs, otherMs] = [Date.parse(one.creationTimestamp), Date.parse(other.creationTimestamp)];
  return oneMs === otherMs ? pathOf(one) < pathOf(other) : oneMs < otherMs;
}

function pathOf({ namespace, name }: Aged['metadata']): string {
  return `${namespace ?? ''}/${name}`;
}
