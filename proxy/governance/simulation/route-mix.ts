import { sharesOf } from '../../calls/explain/route-choices.ts';
import { routeKey, routeKeys } from '../../calls/route/route.ts';
import { sentModel } from '../../calls/route/sent-model.ts';
import type { OperationName } from '../../providers/operation-name.ts';
import { formatIsOffered, providerTable } from '../../providers/table.ts';
import type { RoutedKey } from '../../snapshot/snapshot.ts';
import type { Mix, MixedKey, View } from './view.ts';

export interface Routed {
  readonly user: string | undefined;
  readonly model: string | undefined;
  readonly operation: OperationName;
  /** The key of the response that the call follows. */
  readonly madeBy: string | null;
  readonly atMs: number;
}

/** @throws {ProxyError} `no_api_key` */
export function mixOf(view: View, routed: Routed): Mix {
  const { snapshot, mixes, hasExpiringKeys } = view;
  const { user = '', model = '', operation, madeBy } = routed;
  const whose = snapshot.keysByUser.has(user) ? user : '';
  const name = hasExpiringKeys ? undefined : `${whose}\n${model}\n${operation}\n${madeBy ?? ''}`;
  const known = name === undefined ? undefined : mixes.get(name);
  if (known) return known;
  const made = findMix(view, routed);
  if (mixes.size > 10_000) mixes.clear();
  if (name !== undefined) mixes.set(name, made);
  return made;
}

function findMix({ snapshot }: View, { user, model, operation, madeBy, atMs }: Routed): Mix {
  const predecessor = madeBy === null ? undefined : { apiKeyId: madeBy };
  const mixed = (key: RoutedKey, share: number): MixedKey => ({ key, share, sent: sentModel(key, model), credit: 0 });
  if (model === undefined) return [mixed(routeKey(snapshot, { user }, model, predecessor, atMs), 1)];
  const all = routeKeys(snapshot, { caller: { user }, model, predecessor, nowMs: atMs }, () => 0);
  // It says why there is none.
  if (all.length === 0) routeKey(snapshot, { user }, model, predecessor, atMs);
  const keys = all.filter(({ provider }) => formatIsOffered(providerTable, provider, operation));
  const shares = sharesOf(keys);
  const [first] = keys;
  if (!first || shares.size === 0) return first ? [mixed(first, 1)] : [];
  return [...shares].flatMap(([name, share]) => {
    const key = keys.find(({ provider }) => provider.name === name);
    return key && share > 0 ? [mixed(key, share)] : [];
  });
}

/** The key of the next call. In the long run, each key gets its share exactly. */
export function nextOf(mix: Mix): MixedKey | undefined {
  const [first] = mix;
  if (!first || mix.length === 1) return first;
  let chosen = first;
  for (const one of mix) {
    one.credit += one.share;
    if (one.credit > chosen.credit) chosen = one;
  }
  chosen.credit -= 1;
  return chosen;
}
