import type { CustomKind } from '../../crds/definition.ts';

/** The state of an object, as the terminal shows it. */
export interface Readiness {
  readonly kind: CustomKind;
  readonly namespace: string;
  readonly name: string;
  /** Whether its condition Ready is true, or somebody has switched it off. */
  readonly isWell: boolean;
  readonly reason: string;
  readonly message: string;
}

/** Objects by their id. */
export type Known = ReadonlyMap<string, Readiness>;

/** The lines about a change. */
export interface Told {
  /** Faults that somebody must correct. */
  readonly wrong: readonly string[];
  /** Other news. */
  readonly notes: readonly string[];
}

/** Describes each change between two states in one line, and all deletions together in one. */
export function describeChanges(before: Known, now: Known): Told {
  const wrong: string[] = [];
  const notes: string[] = [];
  for (const [id, object] of now) {
    const former = before.get(id);
    if (object.isWell) {
      if (!former) notes.push(`${nameOf(object)} is new: ${object.message}`);
      else if (!former.isWell) notes.push(`${nameOf(object)} is ready again: ${object.message}`);
    } else if (former?.reason !== object.reason || former.message !== object.message) {
      wrong.push(`${nameOf(object)} is not ready (${object.reason}): ${object.message}`);
    }
  }
  const gone = [...before].filter(([id]) => !now.has(id)).map(([, object]) => nameOf(object));
  if (gone.length > 0) {
    const them = gone.length === 1 ? 'it' : 'them';
    notes.push(`Deleted, since no file contains ${them} any more: ${gone.sort().join(', ')}`);
  }
  return { wrong, notes };
}

function nameOf({ kind, namespace, name }: Readiness): string {
  return namespace === '' ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}
