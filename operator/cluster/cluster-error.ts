import type { ObjectKey } from './cluster.ts';
import { describeKey } from './object-key.ts';

/**
 * A write failed: the object is gone (`not_found`), belongs to another owner (`conflict`), or is not the one in the
 * cache (`stale`), or the cluster refuses it (`refused`: a quota, a policy, a missing right).
 */
export class ClusterError extends Error {
  override readonly name = 'ClusterError';
  readonly code: 'not_found' | 'conflict' | 'stale' | 'refused';
  readonly key: ObjectKey;

  /** @param message the rest of a sentence that begins with the object's name */
  constructor(code: ClusterError['code'], key: ObjectKey, message: string, options?: ErrorOptions) {
    super(`${describeKey(key)} ${message}`, options);
    this.code = code;
    this.key = key;
  }
}
