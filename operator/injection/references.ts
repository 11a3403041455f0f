import { sidecarName } from './marks.ts';
import { type Container, containersOf, type Pod, type Volume } from './pod.ts';

/** Where a pod refers to a Secret: by a volume, or by the environment of a container. */
export type SecretReference = { readonly secret: string } & (
  | { readonly volume: string }
  | { readonly container: string }
);

/**
 * Where a pod gives its containers what is in one of some Secrets. The volume by which the sidecar has its credentials
 * is among them.
 */
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

/** A container other than the sidecar that mounts one of the sidecar's volumes. */
export function findTrespasser(
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

/** Of the drivers, those that take any Secret and may show what is in it. */
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
