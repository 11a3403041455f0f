import type { FastifyInstance, FastifySchema } from 'fastify';
import type { Dispatcher } from 'undici';
import { ProxyError } from '../../error.ts';
import type { Caller } from '../../pipeline/call.ts';
import { asArray, asObject, asString, parseObject } from '../../pipeline/operations/json.ts';
import type { InForce } from '../../pipeline/pipeline.ts';
import { keysOf } from '../../pipeline/route.ts';
import type { RoutedKey, Snapshot } from '../../snapshot/snapshot.ts';

export interface ModelsOptions {
  readonly inForce: () => InForce;
  readonly upstream: Dispatcher;
}

type Model = Readonly<Record<string, unknown>>;

const timeoutMs = 30_000;

const documented = {
  tags: ['Models'],
  description: 'As the provider shows them, less what the organization does not allow.',
  problems: ['no_api_key', 'upstream_unreachable', 'upstream_invalid_response'],
} as const satisfies FastifySchema;

/** `GET /v1/models`: what the providers offer, less what the organization does not allow. */
export function registerModels(app: FastifyInstance, { inForce, upstream }: ModelsOptions): void {
  app.get('/models', { schema: { ...documented, summary: 'List models' } }, async (request) => {
    const { snapshot } = inForce();
    return { object: 'list', data: await listModels(upstream, snapshot, request.caller) };
  });
  const getOne = {
    ...documented,
    summary: 'Get a model',
    problems: [...documented.problems, 'model_not_found'] as const,
  };
  app.get<{ Params: { '*': string } }>('/models/*', { schema: getOne }, async (request) => {
    const id = request.params['*'];
    const { snapshot } = inForce();
    const model = (await listModels(upstream, snapshot, request.caller)).find((candidate) => candidate.id === id);
    if (model) return model;
    const message = `The model '${id}' does not exist or you do not have access to it`;
    throw new ProxyError('model_not_found', { param: 'model', message });
  });
}

/** The models of every provider that the caller has a key for; of one id, the first provider's. */
async function listModels(upstream: Dispatcher, snapshot: Snapshot, caller: Caller): Promise<Model[]> {
  const lists = await Promise.all(listedKeys(snapshot, caller).map((key) => fetchModels(upstream, key)));
  const byId = new Map<string, Model>();
  for (const model of lists.flat()) {
    const id = asString(model.id);
    if (id !== null && !byId.has(id) && snapshot.allowsModel(id)) byId.set(id, model);
  }
  return [...byId.values()];
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

async function fetchModels(upstream: Dispatcher, key: RoutedKey): Promise<Model[]> {
  const { origin, basePath } = key.provider;
  let text: string;
  let status: number;
  try {
    const response = await upstream.request({
      method: 'GET',
      origin,
      path: `${basePath}/models`,
      headers: { authorization: `Bearer ${key.secret}`, 'user-agent': 'chaperone', accept: 'application/json' },
      headersTimeout: timeoutMs,
      bodyTimeout: timeoutMs,
    });
    status = response.statusCode;
    text = await response.body.text();
  } catch (cause) {
    throw new ProxyError('upstream_unreachable', { cause });
  }
  const list = parseObject(text);
  if (status !== 200 || !list) throw new ProxyError('upstream_invalid_response');
  return asArray(list.data)
    .map(asObject)
    .filter((model) => model !== null && key.servesModel(String(model.id)))
    .filter((model) => model !== null);
}
