import { sidecarName } from './marks.ts';
import { type Container, containersOf, type Pod, type Volume } from './pod.ts';

/** A pod's reference to a Secret: from a volume, or from the environment of a container. */
export type SecretReference = { readonly secret: string } & (
  | { readonly volume: string }
  | { readonly container: string }
);

/** Finds a pod's references to any of the given Secrets, including the sidecar's own credentials volume. */
export function findReferences(pod: Pod, secrets: ReadonlySet<string>): readonly SecretReference[] {
  const isSought = (secret: string | undefined): secret is string => secret !== undefined && secrets.has(secret);
  return [
    ...(pod.spec.volumes ?? []).flatMap((volume) =>
      secretsOf(volume)
        .filter(isSought)
        .map((secret) => ({ secret, volume: volume.name })),
    ),
    ...allContainersOf(pod).flatMap((container) =>
      variablesOf(container)
        .filter(isSought)
        .map((secret) => ({ secret, container: container.name })),
    ),
  ];
}

/** Finds a container other than the sidecar that mounts one of the sidecar's volumes. */
export function findForeignMount(
  pod: Pod,
  volumes: readonly string[],
): { readonly container: string; readonly volume: string } | undefined {
  for (const { name, volumeMounts = [] } of allContainersOf(pod)) {
    const mount = name === sidecarName ? undefined : volumeMounts.find((one) => volumes.includes(one.name));
    if (mount) return { container: name, volume: mount.name };
  }
  return undefined;
}

function allContainersOf(pod: Pod): readonly Container[] {
  return [...containersOf(pod), ...(pod.spec.ephemeralContainers ?? [])];
}

/**
 * The Secrets that a volume can expose. Of the drivers, only those count that accept any Secret and may show its
 * content.
 */
function secretsOf({ secret, projected, csi, flexVolume }: Volume): readonly (string | undefined)[] {
  return [
    secret?.secretName,
    ...(projected?.sources ?? []).map((source) => source.secret?.name),
    csi?.nodePublishSecretRef?.name,
    flexVolume?.secretRef?.name,
  ];
}

function variablesOf({ env = [], envFrom = [] }: Container): readonly (string | undefined)[] {
  return [
    ...env.map(({ valueFrom }) => valueFrom?.secretKeyRef?.name),
    ...envFrom.map(({ secretRef }) => secretRef?.name),
  ];
}
