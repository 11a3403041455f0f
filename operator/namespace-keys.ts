import { hkdfSync, randomBytes } from 'node:crypto';
import type { DataKeySet, NamespaceKeySet } from '../database/envelope.ts';

/**
 * What an organization's namespace keys are derived from. Only the operator has it, in its own namespace: whoever has it
 * has the keys of every namespace.
 */
export interface NamespaceMaster {
  /** Base64 of 32 bytes each, by the id of the data key that it came with: both rotate together. */
  readonly keys: Readonly<Record<string, string>>;
  /** When each was made, in seconds since 1970. */
  readonly issuedAtS: Readonly<Record<string, number>>;
}

/**
 * The master with a key for each data key. One that was lost costs nothing but the work of sealing anew what it sealed:
 * all of that is stated by resources.
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
 * The keys of one namespace, under the ids of the data keys: HKDF-SHA256 (RFC 5869) of each master key, so that no
 * namespace's keys tell anything of another's.
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
