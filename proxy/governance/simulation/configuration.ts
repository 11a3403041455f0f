import { makeAliases } from '../../calls/models/aliases.ts';
import { statedRules } from '../../calls/reserve/rules.ts';
import type { SealedSnapshot } from '../../snapshot/sealed-snapshot.ts';
import { namespacesOf, putInForce, type Serving } from './in-force.ts';
import type { View } from './view.ts';

/** A configuration that calls are judged by: one view for each namespace that calls. */
export interface Configuration {
  viewOf(namespace: string | null): View;
}

export function openConfiguration(sealed: SealedSnapshot, serving: Serving): Configuration {
  const actsFor = namespacesOf(sealed, serving);
  const views = new Map<string | null, View>();
  return {
    viewOf(namespace) {
      const known = views.get(namespace);
      if (known) return known;
      const { snapshot, price } = putInForce(sealed, actsFor(namespace ?? undefined));
      const { organization, keys } = statedRules(snapshot);
      const made: View = {
        snapshot,
        price,
        organizationRules: organization,
        keyRules: new Map(keys),
        aliases: snapshot.spec.models?.aliases && makeAliases(snapshot.spec.models.aliases),
        hasExpiringKeys: [...snapshot.keys.values()].some(({ expiresAtMs }) => Number.isFinite(expiresAtMs)),
        mixes: new Map(),
        priced: new Map(),
      };
      views.set(namespace, made);
      return made;
    },
  };
}
