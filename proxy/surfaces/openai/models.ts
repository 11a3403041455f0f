import type { FastifyRequest, FastifySchema } from 'fastify';
import type { Caller } from '../../calls/call.ts';
import { keysOf } from '../../calls/route/route.ts';
import { isNamed } from '../../calls/settle/model-label.ts';
import { ProxyError } from '../../error.ts';
import type { SurfaceApp } from '../../http/surface.ts';
import { isPricedModel } from '../../prices/price.ts';
import { asString, type Body } from '../../providers/json.ts';
import type { RoutedKey, Snapshot } from '../../snapshot/snapshot.ts';
import type { OpenAiContext } from './context.ts';
import { aliasesOf, listedAlias } from './listed-aliases.ts';
import { incompleteHeader, makeModelLists } from './model-lists.ts';
import { type AnthropicPage, anthropicPage, asAnthropicModel, asOpenAiModel } from './model-shapes.ts';

const documented = {
  tags: ['Models'],
  description:
    'As the providers show them, less what the organization does not allow, and the names that stand for models (`spec.models.aliases`), whose model is in `root`. With the header `anthropic-version`, in the form of Anthropic’s API. A model that calls may use and that no list has, such as a dated snapshot, is found by its id. The header `X-Chaperone-Incomplete` of a list names the providers that could not be asked.',
  problems: ['no_api_key', 'overloaded', 'upstream_unreachable', 'upstream_timeout', 'upstream_invalid_response'],
  origin: 'merged',
} as const satisfies FastifySchema;

/**
 * `GET /v1/models`: what the providers offer, less what the organization does not allow. A provider that cannot be asked
 * is told in a header, and does not keep the others from being listed.
 */
export function registerModels(app: SurfaceApp, options: OpenAiContext): void {
  const { inForce, modelRules, origin } = options;
  const listModels = makeModelLists(options);

  app.get<{ Querystring: AnthropicPage }>(
    '/models',
    { schema: { ...documented, summary: 'List models' } },
    async (request, reply) => {
      const { snapshot } = inForce();
      const keys = listedKeys(snapshot, request.caller);
      const { models, missing } = await listModels(keys);
      reply.headers(incompleteHeader(missing));
      const listed = merge(models, snapshot);
      const aliases = await aliasesOf(modelRules, snapshot, request.caller, origin);
      for (const [name, model] of aliases) {
        const alias = listedAlias(name, model, keys, snapshot, (id) => listed.get(id));
        if (alias) listed.set(name, alias);
      }
      const data = [...listed.values()];
      if (isForAnthropic(request)) return anthropicPage(data, request.query);
      return { object: 'list', data: data.map(asOpenAiModel) };
    },
  );
  const getOne = {
    ...documented,
    summary: 'Get a model',
    problems: [...documented.problems, 'model_not_found'] as const,
  };
  app.get<{ Params: { '*': string } }>('/models/*', { schema: getOne }, async (request) => {
    const id = request.params['*'];
    const { snapshot } = inForce();
    const keys = listedKeys(snapshot, request.caller);
    const { models, missing } = await listModels(keys);
    const listed = merge(models, snapshot);
    const find = (name: string) => listed.get(name) ?? findUnlisted(name, listed, keys, snapshot);
    const meant = (await aliasesOf(modelRules, snapshot, request.caller, origin)).get(id);
    const model = meant === undefined ? find(id) : listedAlias(id, meant, keys, snapshot, find);
    if (model) return isForAnthropic(request) ? asAnthropicModel(model) : asOpenAiModel(model);
    if (missing.length > 0) {
      const message = `Whether the model '${id}' exists is not known: these providers cannot be asked: ${missing.join(', ')}`;
      throw new ProxyError('upstream_unreachable', { param: 'model', message });
    }
    const message = `The model '${id}' does not exist or you do not have access to it`;
    throw new ProxyError('model_not_found', { param: 'model', message });
  });
}

/** Whether an SDK of Anthropic's asks, whose lists have another form. */
function isForAnthropic({ headers }: Pick<FastifyRequest, 'headers'>): boolean {
  return headers['anthropic-version'] !== undefined;
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
