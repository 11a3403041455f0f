import { ProxyError } from '../error.ts';
import type { RoutedKey, Snapshot } from '../snapshot/snapshot.ts';
import type { Caller } from './call.ts';
import type { MadeBy } from './resources/ownership.ts';

/**
 * The keys that a caller's calls may use, in order: the user's own, then those of the pod's namespace, then those that
 * other namespaces share.
 */
export function keysOf(snapshot: Snapshot, { user }: Pick<Caller, 'user'>, nowMs: number): RoutedKey[] {
  const own = user === undefined ? undefined : snapshot.keysByUser.get(user);
  return [...(own ?? []), ...snapshot.organizationKeys].filter((key) => key.expiresAtMs > nowMs);
}

/**
 * Chooses the provider key of a call: the first of the caller's keys that serves the model. Where the call names no
 * model, it is the first key that serves any model, else the first key; so a key for few models does not hide one for
 * all. A follow-up goes to the key that made the previous response, since a provider knows a response only under that
 * key.
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
  const isLive = (key: RoutedKey) => key.expiresAtMs > nowMs;
  const before = predecessor?.apiKeyId ? snapshot.keys.get(predecessor.apiKeyId) : undefined;
  if (before && isLive(before) && (model === undefined || before.servesModel(model))) return before;
  const own = caller.user === undefined ? undefined : snapshot.keysByUser.get(caller.user);
  const find = (fits: (key: RoutedKey) => boolean) => own?.find(fits) ?? snapshot.organizationKeys.find(fits);
  const key = find((one) => isLive(one) && one.servesModel(model)) ?? (model === undefined ? find(isLive) : undefined);
  if (!key) throw noKey(model, find(isLive) !== undefined);
  return key;
}

function noKey(model: string | undefined, hasAny: boolean): ProxyError {
  if (!hasAny || model === undefined) return new ProxyError('no_api_key');
  const message = `none of its keys serves the model ${JSON.stringify(model.slice(0, 200))}`;
  return new ProxyError('no_api_key', { param: 'model', message });
}
