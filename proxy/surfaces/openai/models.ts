import type { FastifySchema } from 'fastify';
import type { SurfaceApp } from '../../http/surface.ts';
import { asString, type Body } from '../../providers/json.ts';
import type { OpenAiContext } from './context.ts';
import { makeModelCatalogue } from './model-catalogue.ts';
import { incompleteHeader } from './model-lists.ts';

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
  const catalogue = makeModelCatalogue(options);

  app.get('/models', { schema: { ...documented, summary: 'List models' } }, async (request, reply) => {
    const { models, missing } = await catalogue.list(request.caller);
    reply.headers(incompleteHeader(missing));
    return { object: 'list', data: models.map(asOpenAiModel) };
  });
  const getOne = {
    ...documented,
    summary: 'Get a model',
    problems: [...documented.problems, 'model_not_found'] as const,
  };
  app.get<{ Params: { '*': string } }>('/models/*', { schema: getOne }, async ({ caller, params }) =>
    asOpenAiModel(await catalogue.find(caller, params['*'])),
  );
}

/** A model of Anthropic's as OpenAI shows one; any other as its provider shows it. */
function asOpenAiModel(model: Body): Body {
  if (model.type !== 'model') return model;
  const madeAtMs = Date.parse(asString(model.created_at) ?? '');
  const created = Number.isNaN(madeAtMs) ? 0 : Math.floor(madeAtMs / 1_000);
  return { ...model, object: 'model', created, owned_by: 'anthropic' };
}
