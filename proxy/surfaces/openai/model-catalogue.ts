import type { Caller } from '../../calls/call.ts';
import { keysOf } from '../../calls/route/route.ts';
import { isNamed } from '../../calls/settle/model-label.ts';
import { ProxyError } from '../../error.ts';
import { isPricedModel } from '../../prices/price.ts';
import { asString, type Body } from '../../providers/json.ts';
import type { RoutedKey, Snapshot } from '../../snapshot/snapshot.ts';
import type { OpenAiContext } from './context.ts';
import { aliasesOf, listedAlias } from './listed-aliases.ts';
import { makeModelLists } from './model-lists.ts';

/** The models of a caller, as providers show them, and the names that stand for models. */
export interface ModelCatalogue {
  /** @returns the models, and the names of providers that cannot be asked */
  list(caller: Caller): Promise<{ readonly models: readonly Body[]; readonly missing: readonly string[] }>;
  /** @throws {ProxyError} `model_not_found`; `upstream_unreachable` where a provider that cannot be asked may have it */
  find(caller: Caller, id: string): Promise<Body>;
}

/** What the providers offer, less what the organization does not allow. */
export function makeModelCatalogue(options: OpenAiContext): ModelCatalogue {
  const { inForce, modelRules, origin } = options;
  const listModels = makeModelLists(options);
  return {
    async list(caller) {
      const { snapshot } = inForce();
      const keys = listedKeys(snapshot, caller);
      const { models, missing } = await listModels(keys);
      const listed = merge(models, snapshot);
      const aliases = await aliasesOf(modelRules, snapshot, caller, origin);
      for (const [name, model] of aliases) {
        const alias = listedAlias(name, model, keys, snapshot, (id) => listed.get(id));
        if (alias) listed.set(name, alias);
      }
      return { models: [...listed.values()], missing };
    },
    async find(caller, id) {
      const { snapshot } = inForce();
      const keys = listedKeys(snapshot, caller);
      const { models, missing } = await listModels(keys);
      const listed = merge(models, snapshot);
      const find = (name: string) => listed.get(name) ?? findUnlisted(name, listed, keys, snapshot);
      const meant = (await aliasesOf(modelRules, snapshot, caller, origin)).get(id);
      const model = meant === undefined ? find(id) : listedAlias(id, meant, keys, snapshot, find);
      if (model) return model;
      if (missing.length > 0) {
        const message = `Whether the model '${id}' exists is not known: these providers cannot be asked: ${missing.join(', ')}`;
        throw new ProxyError('upstream_unreachable', { param: 'model', message });
      }
      const message = `The model '${id}' does not exist or you do not have access to it`;
      throw new ProxyError('model_not_found', { param: 'model', message });
    },
  };
}

/** The models that the organization allows; of one id, the first provider's. */
function merge(models: readonly Body[], snapshot: Snapshot): Map<string, Body> {
  const byId = new Map<string, Body>();
  for (const model of models) {
    const id = asString(model.id);
    if (id !== null && !byId.has(id) && snapshot.allowsModel(id)) byId.set(id, model);
  }
  return byId;
}

/**
 * The keys that calls of the caller's go by. Behind one that serves every model no other of its provider is ever used.
 *
 * @throws {ProxyError} `no_api_key`, as a call would be refused
 */
function listedKeys(snapshot: Snapshot, caller: Caller): RoutedKey[] {
  const keys = keysOf(snapshot, caller, Date.now());
  if (keys.length === 0) throw new ProxyError('no_api_key');
  const exhausted = new Set<string>();
  return keys.filter(({ provider, servesModel }) => {
    if (exhausted.has(provider.name)) return false;
    if (servesModel(undefined)) exhausted.add(provider.name);
    return true;
  });
}

/**
 * A model that providers serve and do not list, such as a snapshot of one that they list: where a call may use it, a
 * client that asks for it first must find it. Undefined where nobody knows of it, since any id could be called.
 */
function findUnlisted(
  id: string,
  listed: ReadonlyMap<string, Body>,
  keys: readonly RoutedKey[],
  snapshot: Snapshot,
): Body | undefined {
  const key = keys.find(({ servesModel }) => servesModel(id));
  if (!key || !snapshot.allowsModel(id)) return undefined;
  const alias = withoutDate(id);
  const relative = listed.get(alias) ?? [...listed].find(([other]) => withoutDate(other) === alias)?.[1];
  if (!relative && !isPricedModel(id) && !isNamed(id, snapshot)) return undefined;
  return { id, object: 'model', created: relative?.created ?? 0, owned_by: relative?.owned_by ?? key.provider.name };
}

/** The alias of a snapshot, whose name ends with its date: `gpt-4o` of `gpt-4o-2024-08-06`. */
function withoutDate(id: string): string {
  return id.replace(/-\d{4}-\d{2}-\d{2}$/, '');
}
