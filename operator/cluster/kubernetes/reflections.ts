import type { Logger } from 'pino';
import type { Kind } from '../cluster.ts';
import type { ApiClient } from './api-client.ts';
import type { ApiObject } from './api-object.ts';
import type { KindMirror, Mirrors } from './mirrors.ts';
import { foreignSelector, ownedSelector } from './owned-secrets.ts';
import type { ContentKind, Mention, References } from './references.ts';
import { type Reflector, type ReflectorObserver, type ReflectorTimings, startReflector } from './reflector.ts';
import { collectionPath } from './resources.ts';

export interface ReflectionsOptions {
  readonly client: ApiClient;
  readonly mirrors: Mirrors;
  readonly references: References;
  readonly timings: ReflectorTimings;
  readonly observer: ReflectorObserver;
  readonly log: Logger;
}

/** https://kubernetes.io/docs/reference/using-api/api-concepts/#metadata-only-fetches */
const metadataOnly =
  'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';

/** Starts to watch everything that the operator reads. */
export function startReflections({ mirrors, references, ...context }: ReflectionsOptions): readonly Reflector[] {
  const mirrored = <O extends ApiObject, T>(kind: Kind, { decode, mirror }: KindMirror<O, T>, labelSelector?: string) =>
    startReflector<O, T>({
      ...context,
      name: labelSelector === undefined ? kind : `${kind}.owned`,
      path: collectionPath(kind),
      ...(labelSelector !== undefined && { labelSelector }),
      decode,
      sink: mirror,
    });
  const mentioned = (kind: ContentKind, labelSelector?: string) =>
    startReflector<ApiObject, Mention>({
      ...context,
      name: `${kind}.metadata`,
      path: collectionPath(kind),
      ...(labelSelector !== undefined && { labelSelector }),
      accept: metadataOnly,
      decode: ({ metadata: { namespace = '', name } }) => ({ namespace, name }),
      sink: references.sink(kind),
    });
  return [
    mirrored('Organization', mirrors.custom.Organization),
    mirrored('Persona', mirrors.custom.Persona),
    mirrored('ApiKeyBinding', mirrors.custom.ApiKeyBinding),
    mirrored('AnalysisConfig', mirrors.custom.AnalysisConfig),
    mirrored('Namespace', mirrors.namespaces),
    mirrored('Secret', mirrors.secrets, ownedSelector),
    mentioned('Secret', foreignSelector),
    mentioned('ConfigMap'),
  ];
}
