import { ProxyError } from '../../error.ts';
import type { RoutedKey, Snapshot } from '../../snapshot/snapshot.ts';
import type { Caller } from '../call.ts';
import type { MadeBy } from '../resources/ownership.ts';
import { inOrder } from './order.ts';

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
  caller: Pick<Caller, 'user'>,
  model: string | undefined,
  predecessor: MadeBy | undefined,
  nowMs: number,
): RoutedKey {
  const isLive = (key: RoutedKey) => key.expiresAtMs > nowMs;
  const before = stickyKey(snapshot, model, predecessor, nowMs);
  if (before) return before;
  const own = caller.user === undefined ? undefined : snapshot.keysByUser.get(caller.user);
  const find = (fits: (key: RoutedKey) => boolean) => own?.find(fits) ?? snapshot.organizationKeys.find(fits);
  const key = find((one) => isLive(one) && one.servesModel(model)) ?? (model === undefined ? find(isLive) : undefined);
  if (!key) throw noKey(model, find(isLive) !== undefined);
  return key;
}

/** What a call asks of its keys. */
export interface Wanted {
  readonly caller: Pick<Caller, 'user'>;
  readonly model: string | undefined;
  readonly predecessor: MadeBy | undefined;
  readonly nowMs: number;
}

/**
 * All keys that may serve a call, the first choice first. A follow-up has one: the key that made what it follows. Where
 * providers have weights, each look draws anew which of them comes first.
 *
 * @param random from 0 to below 1
 */
export function routeKeys(snapshot: Snapshot, wanted: Wanted, random: () => number): RoutedKey[] {
  const { caller, model, predecessor, nowMs } = wanted;
  const sticky = stickyKey(snapshot, model, predecessor, nowMs);
  if (sticky) return [sticky];
  return inOrder(
    keysOf(snapshot, caller, nowMs).filter((key) => key.servesModel(model)),
    random,
  );
}

/** The key that made what the call follows, where it can still be used. */
function stickyKey(
  snapshot: Snapshot,
  model: string | undefined,
  predecessor: MadeBy | undefined,
  nowMs: number,
): RoutedKey | undefined {
  const before = predecessor?.apiKeyId ? snapshot.keys.get(predecessor.apiKeyId) : undefined;
  return before && before.expiresAtMs > nowMs && (model === undefined || before.servesModel(model))
    ? before
    : undefined;
}

function noKey(model: string | undefined, hasAny: boolean): ProxyError {
  if (!hasAny || model === undefined) return new ProxyError('no_api_key');
  const message = `none of its keys serves the model ${JSON.stringify(model.slice(0, 200))}`;
  return new ProxyError('no_api_key', { param: 'model', message });
}
