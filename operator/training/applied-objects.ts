import { createHash } from 'node:crypto';
import { type AppliedObject, isMadeFor, type StatefulObject, type TrainingObjects } from './objects.ts';

/** What was applied, and what the API server made of it, by kind and name: digests. */
export type AppliedObjects = Map<string, { readonly wanted: string; readonly made: string }>;

/**
 * Applies an object where something else is wanted than before, or where somebody has changed or deleted it. What others
 * have added beside the stated fields stays.
 *
 * @returns the object, or what is in its way
 */
export async function applyWhereNeeded(
  { objects, applied }: { readonly objects: TrainingObjects; readonly applied: AppliedObjects },
  object: AppliedObject,
  ownerUid: string,
): Promise<StatefulObject | string> {
  const { kind, metadata } = object;
  const found = await objects.find(kind, metadata);
  if (found && !isMadeFor(found, ownerUid)) {
    return `Another ${kind} ${metadata.namespace}/${metadata.name} is in the way; delete or rename it`;
  }
  const place = `${kind} ${metadata.namespace}/${metadata.name}`;
  const before = applied.get(place);
  const isAsBefore =
    found && before?.wanted === digestWanted(object, found) && before.made === digestMade(object, found);
  if (isAsBefore) return found;
  const made = await objects.apply(object);
  applied.set(place, { wanted: digestWanted(object, made), made: digestMade(object, made) });
  return made;
}

function digestWanted({ metadata, spec }: AppliedObject, found: StatefulObject): string {
  return digest([metadata, withoutScale(spec, found)]);
}

/** What counts of an object: its spec, and the labels and annotations that are stated. */
function digestMade({ metadata, spec }: AppliedObject, found: StatefulObject): string {
  const { labels = {}, annotations = {}, ownerReferences } = found.metadata;
  const stated = (values: Readonly<Record<string, string>>, names: object = {}) =>
    Object.keys(names).map((name) => [name, values[name]]);
  return digest([
    ...[found.metadata.uid, stated(labels, metadata.labels), stated(annotations, metadata.annotations)],
    ...[ownerReferences, withoutScale(found.spec ?? {}, { spec })],
  ]);
}

/** How many pods there are, an autoscaler decides: as long as both say the same, it is no change. */
function withoutScale(spec: object, other: { readonly spec?: object } | undefined): object {
  const replicasOf = (one: object | undefined) => (one && 'replicas' in one ? one.replicas : undefined);
  return replicasOf(spec) === replicasOf(other?.spec) ? { ...spec, replicas: undefined } : spec;
}

function digest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url');
}
