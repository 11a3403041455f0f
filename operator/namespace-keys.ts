import { hkdfSync, randomBytes } from 'node:crypto';
import type { DataKeySet, NamespaceKeySet } from '../database/envelope.ts';

/**
 * The master that an organization's namespace keys are derived from. Only the operator has it, in its own namespace:
 * the master opens the keys of every namespace.
 */
export interface NamespaceMaster {
  /** 32 bytes each in base64, by the id of the data key with which each rotates. */
  readonly keys: Readonly<Record<string, string>>;
  /** When each key was made, in seconds since 1970. */
  readonly issuedAtS: Readonly<Record<string, number>>;
}

/**
 * Completes the master with a key for each data key. Losing a key loses no data: resources state everything that it
 * sealed, so the rows are sealed again.
 */
export function completeMaster(
  master: NamespaceMaster | undefined,
  dataKeys: DataKeySet,
  nowS: number,
): NamespaceMaster {
  const ids = Object.keys(dataKeys.keys);
  return {
    keys: Object.fromEntries(ids.map((id) => [id, master?.keys[id] ?? randomBytes(32).toString('base64')])),
    issuedAtS: Object.fromEntries(ids.map((id) => [id, master?.keys[id] ? (master.issuedAtS[id] ?? nowS) : nowS])),
  };
}

/**
 * Derives the keys of one namespace, under the ids of the data keys, by HKDF-SHA256 (RFC 5869) of each master key. A
 * namespace's keys reveal nothing about another's.
 */
export function deriveNamespaceKeys(
  master: NamespaceMaster,
  { current }: Pick<DataKeySet, 'current'>,
  organizationId: string,
  namespace: string,
): NamespaceKeySet {
  const derive = ([id, key]: [string, string]) => {
    const info = `chaperone\nnamespace key\n${id}\n${organizationId}\n${namespace}`;
    return [id, Buffer.from(hkdfSync('sha256', Buffer.from(key, 'base64'), '', info, 32)).toString('base64')];
  };
  return { namespace, current, keys: Object.fromEntries(Object.entries(master.keys).map(derive)) };
}
