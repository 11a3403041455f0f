import type { CustomKind } from '../../crds/definition.ts';

/** How an object stands, as the terminal tells it. */
export interface Readiness {
  readonly kind: CustomKind;
  readonly namespace: string;
  readonly name: string;
  /** Whether its condition Ready is true, or somebody has switched it off. */
  readonly isWell: boolean;
  readonly reason: string;
  readonly message: string;
}

/** By what an object is known. */
export type Known = ReadonlyMap<string, Readiness>;

/** What is told of a change. */
export interface Told {
  /** Something is wrong, and a person is to act. */
  readonly wrong: readonly string[];
  /** Good to know. */
  readonly notes: readonly string[];
}

/** What has changed between two looks, a line for each. Whatever is gone together is one line. */
export function describeChanges(before: Known, now: Known): Told {
  const wrong: string[] = [];
  const notes: string[] = [];
  for (const [id, object] of now) {
    const former = before.get(id);
    if (object.isWell) {
      if (!former) notes.push(`${nameOf(object)} is there: ${object.message}`);
      else if (!former.isWell) notes.push(`${nameOf(object)} is well again: ${object.message}`);
    } else if (former?.reason !== object.reason || former.message !== object.message) {
      wrong.push(`${nameOf(object)} is not ready (${object.reason}): ${object.message}`);
    }
  }
  const gone = [...before].filter(([id]) => !now.has(id)).map(([, object]) => nameOf(object));
  if (gone.length > 0) {
    const them = gone.length === 1 ? 'it' : 'them';
    notes.push(`Deleted, since no file states ${them} any more: ${gone.sort().join(', ')}`);
  }
  return { wrong, notes };
}

function nameOf({ kind, namespace, name }: Readiness): string {
  return namespace === '' ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
}
