import type { Logger } from 'pino';
import { type CustomKind, customKinds } from '../../../crds/definition.ts';
import { articlesLabel } from '../../../knowledge/article-files.ts';
import type { ReflectionObserver } from '../../runtime/reflection.ts';
import type { Kind, Secret } from '../cluster.ts';
import type { ApiClient } from './api-client.ts';
import type { ApiObject } from './api-object.ts';
import type { Mirrors } from './mirrors.ts';
import { foreignSelector, ownedSelector } from './owned-secrets.ts';
import type { ContentKind, ObjectIdentity, References } from './references.ts';
import { type Reflector, type ReflectorSink, type ReflectorTimings, startReflector } from './reflector.ts';
import { collectionPath } from './resources.ts';

export interface ReflectionsOptions {
  readonly client: ApiClient;
  readonly mirrors: Mirrors;
  readonly references: References;
  /** Receives the changes from the watch of the operator's own Secrets. */
  readonly ownedSecrets: ReflectorSink<Secret>;
  readonly timings: ReflectorTimings;
  readonly observer: ReflectionObserver;
  readonly log: Logger;
}

/** Starts the reflectors for everything that the operator reads. */
export function startReflections({
  mirrors,
  references,
  ownedSecrets,
  ...context
}: ReflectionsOptions): readonly Reflector[] {
  const mirrored = <O extends ApiObject, T>(
    kind: Kind,
    { decode, mirror }: { readonly decode: (object: O) => T; readonly mirror: ReflectorSink<T> },
    labelSelector?: string,
  ) =>
    startReflector<O, T>({
      ...context,
      name: labelSelector === undefined ? kind : `${kind}.owned`,
      path: collectionPath(kind),
      ...(labelSelector !== undefined && { labelSelector }),
      decode,
      sink: mirror,
    });
  const mentioned = (kind: ContentKind, labelSelector?: string) =>
    startReflector<ApiObject, ObjectIdentity>({
      ...context,
      name: `${kind}.metadata`,
      path: collectionPath(kind),
      ...(labelSelector !== undefined && { labelSelector }),
      metadataOnly: true,
      decode: ({ metadata: { namespace = '', name, labels } }) => ({
        namespace,
        name,
        isWanted: kind === 'ConfigMap' && labels?.[articlesLabel] !== undefined,
      }),
      sink: references.sink(kind),
    });
  const ownedOnes = { decode: mirrors.secrets.decode, mirror: ownedSecrets };
  const core: { readonly [K in Exclude<Kind, CustomKind>]: readonly Reflector[] } = {
    Namespace: [mirrored('Namespace', mirrors.namespaces)],
    Secret: [mirrored('Secret', ownedOnes, ownedSelector), mentioned('Secret', foreignSelector)],
    ConfigMap: [mentioned('ConfigMap')],
  };
  return [...customKinds.map((kind) => mirrored(kind, mirrors.custom[kind])), ...Object.values(core).flat()];
}
