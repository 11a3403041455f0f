import { ProxyError } from '../error.ts';
import type { RoutedKey, Snapshot } from '../snapshot/snapshot.ts';
import type { Caller } from './call.ts';
import type { MadeBy } from './resources/ownership.ts';

/**
 * The provider key for a call: the user's own, else the organization's.
 * A follow-up goes to the key that made its predecessor, since a provider knows a response only under its own key.
 *
 * @throws {ProxyError} `no_api_key`
 */
export function routeKey(
  snapshot: Snapshot,
  caller: Caller,
  model: string | undefined,
  predecessor: MadeBy | undefined,
  nowMs: number,
): RoutedKey {
  const serves = (key: RoutedKey) => key.expiresAtMs > nowMs && (model === undefined || key.servesModel(model));
  const before = predecessor?.apiKeyId ? snapshot.keys.get(predecessor.apiKeyId) : undefined;
  if (before && serves(before)) return before;
  const own = caller.user === undefined ? undefined : snapshot.keysByUser.get(caller.user)?.find(serves);
  const key = own ?? snapshot.organizationKeys.find(serves);
  if (!key) throw new ProxyError('no_api_key');
  return key;
}
