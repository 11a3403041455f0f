import { isDeepStrictEqual } from 'node:util';
import { type CustomKind, isCustomKind } from '../../../crds/definition.ts';
import type { ObjectMeta } from '../../../crds/object-meta.ts';
import type { Kind, ObjectKey, Resources, Secret } from '../cluster.ts';
import { idOf, keyOf } from '../object-key.ts';

/**
 * The operator's latest writes. It recognizes the echo of a write by its content, so it does not matter whether the
 * watch or the answer to the write arrives first.
 */
export interface OwnWrites {
  /** Notes a status before it is sent. */
  status(key: ObjectKey<CustomKind>, status: object): void;
  /** Notes a Secret before it is sent. @param isWritten whether a Secret equals the one that was sent */
  secret(key: ObjectKey<'Secret'>, isWritten: (secret: Secret) => boolean): void;
  /** Drops the notes about an object that is gone. */
  forget(key: ObjectKey): void;
  /**
   * Whether only the operator's own writes lie between `before` and `after`.
   *
   * @param before the object as listeners last saw it
   */
  explain<K extends Kind>(before: Resources[K] | undefined, after: Resources[K]): boolean;
}

export function makeOwnWrites(): OwnWrites {
  const statuses = new Map<string, unknown>();
  const secrets = new Map<string, (secret: Secret) => boolean>();
  return {
    // In the form in which it comes back: without undefined fields.
    status: (key, status) => void statuses.set(idOf(key), JSON.parse(JSON.stringify(status))),
    secret: (key, isWritten) => void secrets.set(idOf(key), isWritten),
    forget(key) {
      statuses.delete(idOf(key));
      secrets.delete(idOf(key));
    },
    explain(before, after) {
      const { kind, metadata } = after;
      const id = idOf(keyOf(after));
      if (after.kind === 'Secret') return secrets.get(id)?.(after) ?? false;
      if (!before || !isCustomKind(kind)) return false;
      const status = statusOf(after);
      const isEcho = isDeepStrictEqual(status, statuses.get(id));
      // From here on the object itself has it. A copy of each status would be a tenth of the operator's memory.
      if (isEcho) statuses.delete(id);
      const isStatusOurs = isEcho || isDeepStrictEqual(status, statusOf(before));
      return (
        isStatusOurs &&
        isDeepStrictEqual(statedOf(before.metadata), statedOf(metadata)) &&
        addsOnlyOurs(before.metadata, metadata)
      );
    },
  };
}

function statusOf(object: Resources[Kind]): unknown {
  return 'status' in object ? object.status : undefined;
}

/** The metadata that others state. The generation stands for the spec. */
function statedOf({ uid, generation, deletionTimestamp, labels = {}, annotations = {} }: ObjectMeta): object {
  return { uid, generation, deletionTimestamp, labels, annotations };
}

/** A removed finalizer of ours counts as foreign, since it must be added again. */
function addsOnlyOurs({ finalizers: before = [] }: ObjectMeta, { finalizers: after = [] }: ObjectMeta): boolean {
  const added = after.filter((finalizer) => !before.includes(finalizer));
  return (
    before.every((finalizer) => after.includes(finalizer)) && added.every((one) => one.startsWith('chaperone.dev/'))
  );
}
