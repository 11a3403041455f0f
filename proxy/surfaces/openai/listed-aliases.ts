import type { Caller } from '../../calls/call.ts';
import type { ModelRules } from '../../calls/models/model-rules.ts';
import type { Origin } from '../../calls/settle/record.ts';
import type { Body } from '../../providers/json.ts';
import type { RoutedKey, Snapshot } from '../../snapshot/snapshot.ts';

/** The names that stand for models, for one caller. */
export async function aliasesOf(
  modelRules: Pick<ModelRules, 'of'>,
  snapshot: Snapshot,
  { user, optimizationLevel: level }: Caller,
  workload: Origin | undefined,
): Promise<ReadonlyMap<string, string>> {
  const rules = await modelRules.of(snapshot);
  return rules?.aliases.namesFor({ user, workload, level }) ?? new Map();
}

/**
 * An alias as a list shows it: like the model that it stands for, which `root` names as other gateways do. Undefined
 * where no call by it can be served.
 *
 * @param find the model as providers show it
 */
export function listedAlias(
  name: string,
  model: string,
  keys: readonly RoutedKey[],
  snapshot: Snapshot,
  find: (model: string) => Body | undefined,
): Body | undefined {
  const key = keys.find(({ servesModel }) => servesModel(model));
  if (!key || !snapshot.allowsModel(model)) return undefined;
  const shown = find(model) ?? { object: 'model', created: 0, owned_by: key.provider.name };
  return { ...shown, id: name, root: model };
}
