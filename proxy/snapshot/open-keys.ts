import type { BindingRules } from '../../crds/binding-rules.ts';
import type { ConfigApiKey } from '../../database/config.ts';
import type { DeployedModels } from './deployed-models.ts';
import { bothRules, makeModelRule } from './model-rules.ts';
import { namespaceOf, type RowOpener } from './row-opener.ts';
import type { SealedSnapshot } from './sealed-snapshot.ts';
import type { Provider, RoutedKey, SyntheticKey } from './snapshot.ts';

/** Opens the keys that serve this proxy and whose provider is known. */
export function openKeys(
  sealed: SealedSnapshot,
  opener: RowOpener,
  providers: ReadonlyMap<string, Provider>,
  deployed: DeployedModels,
) {
  const keys = new Map<string, RoutedKey>();
  const keysByUser = new Map<string, RoutedKey[]>();
  const organizationKeys: RoutedKey[] = [];
  const syntheticKeys = new Map<string, SyntheticKey>();
  const withdrawnKeys = new Set(sealed.withdrawnKeys);
  const isUnordered = sealed.organization?.shares_by_default ?? true;
  for (const row of orderKeys(sealed, opener, [...providers.values()])) {
    const provider = providers.get(row.provider);
    if (!row.is_active || !provider) {
      withdrawnKeys.add(row.synthetic_key_sha256);
      continue;
    }
    const expiresAtMs = row.expires_at_ms ?? Number.POSITIVE_INFINITY;
    const servesModel = deployed.others(
      bothRules(makeModelRule(row.models ?? undefined, undefined), provider.servesModel),
    );
    const key: RoutedKey = {
      id: row.api_key_id,
      provider,
      secret: opener.secret(row),
      binding: row.resource ?? '',
      // They were validated against crds/apikeybindings.yaml before they were stored, and only the operator can write them.
      rules: (row.rules as BindingRules | null | undefined) ?? undefined,
      servesModel,
      expiresAtMs,
      reach: reachOf(row, opener, isUnordered),
    };
    keys.set(key.id, key);
    syntheticKeys.set(row.synthetic_key_sha256, {
      user: row.user_external_id ?? undefined,
      namespace: namespaceOf(row),
      roles: row.roles ?? [],
      expiresAtMs,
    });
    if (row.user_external_id === null) organizationKeys.push(key);
    else keysByUser.set(row.user_external_id, [...(keysByUser.get(row.user_external_id) ?? []), key]);
  }
  for (const key of deployed.keys) {
    keys.set(key.id, key);
    organizationKeys.push(key);
  }
  return { keys, keysByUser, organizationKeys, syntheticKeys, withdrawnKeys };
}

/**
 * The keys that serve this proxy, in the order of use. The order is the same for every proxy of a namespace: keys of
 * the own namespace first, then by the priority and the order of `spec.providers`, then by namespace. Of keys that are
 * still equal, the operator puts only one in force. Until an organization states `spec.sharing`, the lowest id comes
 * first within a priority, as in older versions.
 */
function orderKeys({ organization, apiKeys }: SealedSnapshot, opener: RowOpener, providers: readonly Provider[]) {
  const isUnordered = organization?.shares_by_default ?? true;
  const ordered = providers.toSorted((one, other) => one.priority - other.priority);
  const places = new Map(ordered.map(({ name, priority }, place) => [name, isUnordered ? priority : place]));
  return [...apiKeys.values()]
    .filter(opener.serves)
    .map((row) => {
      const isOwn = isUnordered || opener.isOwn(row);
      const name = `${isUnordered ? '' : namespaceOf(row)}/${row.api_key_id}`;
      return { row, isOwn, place: places.get(row.provider) ?? 0, name };
    })
    .sort(
      (one, other) =>
        Number(other.isOwn) - Number(one.isOwn) || one.place - other.place || (one.name < other.name ? -1 : 1),
    )
    .map(({ row }) => row);
}

function reachOf(row: ConfigApiKey, opener: RowOpener, isUnordered: boolean): RoutedKey['reach'] {
  if (row.user_external_id !== null) return 'user';
  return isUnordered || opener.isOwn(row) ? 'namespace' : 'shared';
}
