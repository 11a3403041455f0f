import { formatIsOffered, type ProviderTable } from '../../providers/table.ts';
import type { RoutedKey } from '../../snapshot/snapshot.ts';
import type { Judged } from '../admit/admission.ts';
import type { RouteHealth } from '../route/health.ts';
import { routeKeys } from '../route/route.ts';
import { sentModel } from '../route/sent-model.ts';
import type { RouteChoice } from './explanation.ts';

/** The keys that may serve a call, those that work first, with the one that it would get. */
export function routeChoices(
  { context, operation, model, madeBy, key: chosen }: Judged,
  providers: ProviderTable,
  { stateOf }: Pick<RouteHealth, 'stateOf'>,
): RouteChoice[] {
  const { inForce, caller, startedAtMs: nowMs } = context;
  const wanted = { caller, model, predecessor: madeBy, nowMs };
  const keys = routeKeys(inForce.snapshot, wanted, () => 0).filter(({ provider }) =>
    formatIsOffered(providers, provider, operation.name),
  );
  const shares = sharesOf(keys);
  const others = keys.filter((key) => key !== chosen);
  const ordered = [
    ...(chosen ? [chosen] : []),
    ...others.filter((key) => stateOf(key, model) === 'well'),
    ...others.filter((key) => stateOf(key, model) !== 'well'),
  ];
  return ordered.map((key) => ({
    binding: key.binding,
    provider: key.provider.name,
    model: sentModel(key, model) ?? null,
    share: shares.get(key.provider.name) ?? null,
    state: stateOf(key, model),
    isChosen: key === chosen,
  }));
}

/** How the calls are shared among the providers of the first rank, by their weights. Empty: they are not. */
export function sharesOf(keys: readonly RoutedKey[]): ReadonlyMap<string, number> {
  const [first] = keys;
  const ranked = keys.filter(
    ({ reach, provider }) => reach === first?.reach && provider.priority === first.provider.priority,
  );
  const weights = new Map(ranked.map(({ provider }) => [provider.name, provider.weight]));
  const sum = [...weights.values()].reduce((all, weight) => all + weight, 0);
  if (sum === 0 || weights.size < 2) return new Map();
  return new Map([...weights].map(([name, weight]) => [name, weight / sum]));
}
