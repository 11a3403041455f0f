import { directEnvironment, missingEnvironment, type SyntheticKey } from './environment.ts';
import { dataVolume, evictableVolumesAnnotation, hashAnnotation, injectedLabel, proofAnnotation } from './marks.ts';
import type { Container, Pod } from './pod.ts';
import type { PodSettings } from './settings.ts';
import type { Sidecar } from './sidecar.ts';

/** An operation of RFC 6902. Only `add` is needed here. */
export interface PatchOperation {
  readonly op: 'add';
  readonly path: string;
  readonly value: unknown;
}

/**
 * Makes the patch that adds the sidecar to a pod.
 *
 * @param proof that an operator injected it
 */
export function sidecarPatch(
  { metadata, spec }: Pod,
  { container, volumes, imagePullSecrets, hash }: Sidecar,
  proof: string,
): readonly PatchOperation[] {
  return [
    ...entriesPatch('/metadata/annotations', metadata.annotations, {
      [hashAnnotation]: hash,
      [proofAnnotation]: proof,
      [evictableVolumesAnnotation]: addName(metadata.annotations?.[evictableVolumesAnnotation], dataVolume),
    }),
    ...entriesPatch('/metadata/labels', metadata.labels, { [injectedLabel]: 'true' }),
    // First, because init containers start one after another, and a later one may call a provider, too.
    spec.initContainers
      ? { op: 'add', path: '/spec/initContainers/0', value: container }
      : { op: 'add', path: '/spec/initContainers', value: [container] },
    ...appendPatch('/spec/volumes', spec.volumes, volumes),
    ...appendPatch(
      '/spec/imagePullSecrets',
      spec.imagePullSecrets,
      imagePullSecrets.filter(({ name }) => !spec.imagePullSecrets?.some((stated) => stated.name === name)),
    ),
  ];
}

/** Makes the patch of the containers' environment. Apply it before the sidecar's patch, which shifts the indexes. */
export function environmentPatch(
  { spec }: Pod,
  settings: PodSettings,
  key: SyntheticKey | undefined,
): readonly PatchOperation[] {
  const patchList = (list: string, containers: readonly Container[]) =>
    containers.flatMap((container, index) => {
      const path = `/spec/${list}/${index}/env`;
      const { changed, added } = directEnvironment(container, settings);
      return [
        // In RFC 6902, `add` on an existing member replaces it.
        ...changed.map(
          ({ index: place, value }): PatchOperation => ({ op: 'add', path: `${path}/${place}/value`, value }),
        ),
        ...appendPatch(path, container.env, [...missingEnvironment(container, settings, key), ...added]),
      ];
    });
  return [...patchList('initContainers', spec.initContainers ?? []), ...patchList('containers', spec.containers)];
}

/** Adds a name to a comma-separated list, unless it is there. */
function addName(list = '', name: string): string {
  const names = list.split(',').flatMap((one) => one.trim() || []);
  return names.includes(name) ? list : [...names, name].join(',');
}

function entriesPatch(
  path: string,
  present: Readonly<Record<string, string>> | undefined,
  entries: Readonly<Record<string, string>>,
): readonly PatchOperation[] {
  if (!present) return [{ op: 'add', path, value: entries }];
  return Object.entries(entries).map(([key, value]) => ({
    op: 'add',
    path: `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`,
    value,
  }));
}

function appendPatch(
  path: string,
  list: readonly unknown[] | undefined,
  values: readonly unknown[],
): readonly PatchOperation[] {
  if (values.length === 0) return [];
  return list ? values.map((value) => ({ op: 'add', path: `${path}/-`, value })) : [{ op: 'add', path, value: values }];
}
