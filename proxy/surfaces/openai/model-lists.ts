import { LRUCache } from 'lru-cache';
import type { Logger } from 'pino';
import type { Metrics } from '../../calls/settle/metrics.ts';
import { ProxyError } from '../../error.ts';
import type { InFlight, Share } from '../../in-flight.ts';
import type { Exchange } from '../../providers/exchange.ts';
import { asArray, asObject, type Body, parseObject } from '../../providers/json.ts';
import { readWhole, relay } from '../../providers/relay.ts';
import type { ProviderTable } from '../../providers/table.ts';
import type { RoutedKey } from '../../snapshot/snapshot.ts';

/** What the providers of several keys list together. */
export interface ModelLists {
  /** In the order of the keys. */
  readonly models: readonly Body[];
  /** Names of the providers whose models are not among them. */
  readonly missing: readonly string[];
}

export interface ModelListsOptions {
  readonly exchange: Exchange;
  readonly providers: ProviderTable;
  readonly metrics: Metrics;
  readonly log: Logger;
  readonly inFlight: InFlight;
}

/** A provider that is slow or away costs no more than this. */
const timeoutMs = 3_000;
/** How long a list stands in for one that cannot be had. */
const rememberedMs = 600_000;
const maxListBytes = 4 * 1024 * 1024;

/** How servers say that they have no lists of models. */
const noList: ReadonlySet<number> = new Set([404, 405, 501]);

/** Makes the function that asks all providers at once, and gets along without those that do not answer. */
export function makeModelLists({ exchange, providers, metrics, log, inFlight }: ModelListsOptions) {
  const remembered = new LRUCache<string, readonly Body[]>({ max: 50, ttl: rememberedMs });

  /** @returns undefined where the provider has no list */
  const list = async (key: RoutedKey, signal: AbortSignal): Promise<readonly Body[] | ProxyError | undefined> => {
    const { provider, id } = key;
    const stated = providers[provider.type].models?.(provider);
    if (stated) return stated.map((model) => ({ id: model, object: 'model', created: 0, owned_by: provider.name }));
    const place = `${id} ${provider.origin}${provider.basePath}`;
    const count = (result: string) => metrics.modelLists.inc({ gen_ai_provider_name: provider.name, result });
    const share = inFlight.open();
    try {
      const models = await fetchModels(exchange, key, share, signal);
      count(models ? 'listed' : 'none');
      if (models) remembered.set(place, models);
      return models;
    } catch (error) {
      if (!(error instanceof ProxyError)) throw error;
      const known = remembered.get(place);
      count(known ? 'remembered' : 'failed');
      log.warn({ provider: provider.name, code: error.code, remembered: known !== undefined }, 'no list of models');
      return known ?? error;
    } finally {
      share.release();
    }
  };

  /** @throws {ProxyError} where there is no list, as providers cannot be asked */
  return async (keys: readonly RoutedKey[]): Promise<ModelLists> => {
    const signal = AbortSignal.timeout(timeoutMs);
    const lists = await Promise.all(keys.map((key) => list(key, signal)));
    const failure = lists.find((listed) => listed instanceof ProxyError);
    if (failure && !lists.some(Array.isArray)) throw failure;
    const models = lists.flatMap((listed = [], index) => {
      if (listed instanceof ProxyError) return [];
      const key = keys[index];
      return key ? listed.flatMap((model) => asCalled(model, key)) : [];
    });
    const missing = keys.filter((_, index) => lists[index] instanceof ProxyError).map(({ provider }) => provider.name);
    return { models, missing: [...new Set(missing)] };
  };
}

/** A listed model under each name by which calls may ask for it. */
function asCalled(model: Body, { provider, servesModel }: RoutedKey): readonly Body[] {
  const id = String(model.id);
  const names = provider.names?.fromProvider(id) ?? [id];
  return names.filter(servesModel).map((name) => (name === id ? model : { ...model, id: name }));
}

/** @returns undefined where the provider has no list */
async function fetchModels(
  exchange: Exchange,
  key: RoutedKey,
  share: Share,
  signal: AbortSignal,
): Promise<Body[] | undefined> {
  const answer = await relay(exchange, {
    method: 'GET',
    path: key.provider.type === 'anthropic' ? '/models?limit=1000' : '/models',
    key,
    headers: { 'user-agent': 'chaperone', accept: 'application/json' },
    body: undefined,
    signal,
  });
  if (noList.has(answer.status)) {
    answer.body.destroy();
    return undefined;
  }
  const list = parseObject((await readWhole(answer, share, maxListBytes)).toString('utf8'));
  if (answer.status !== 200 || !list) throw new ProxyError('upstream_invalid_response');
  return asArray(list.data)
    .map(asObject)
    .filter((model) => model !== null);
}

/** The header that says whose things are not among what was merged. */
export function incompleteHeader(providers: readonly string[]): Record<string, string> {
  return providers.length === 0 ? {} : { 'x-chaperone-incomplete': providers.join(', ') };
}
