import { ProxyError } from '../../error.ts';
import type { SurfaceApp } from '../../http/surface.ts';
import { asCount, asString, type Body } from '../../providers/json.ts';
import type { OpenAiContext } from '../openai/context.ts';
import { makeModelCatalogue } from '../openai/model-catalogue.ts';
import { incompleteHeader } from '../openai/model-lists.ts';
import { requireKnownVersion } from './version.ts';

/** `GET /v1/models` for Anthropic's clients: the models of OpenAI's list, in Anthropic's form. */
export function registerModels(app: SurfaceApp, context: OpenAiContext): void {
  const catalogue = makeModelCatalogue(context);

  app.get<{ Querystring: Page }>('/v1/models', async ({ headers, query, caller }, reply) => {
    requireKnownVersion(headers);
    const { models, missing } = await catalogue.list(caller);
    reply.headers(incompleteHeader(missing));
    return pageOf(models, query);
  });
  app.get<{ Params: { '*': string } }>('/v1/models/*', async ({ headers, params, caller }) => {
    requireKnownVersion(headers);
    return asAnthropicModel(await catalogue.find(caller, params['*']));
  });
}

/** What a provider of another kind does not say of a model, or an older version of Anthropic's API. */
const unsaid = {
  ...{ capabilities: null, max_input_tokens: null, max_tokens: null, line: null },
  ...{ lifecycle: 'active', deprecated_at: null, retires_at: null },
};

/** A model as Anthropic shows it. */
function asAnthropicModel(model: Body): Body {
  const id = asString(model.id) ?? '';
  if (model.type === 'model') return { ...unsaid, ...model, id };
  return {
    type: 'model',
    id,
    display_name: id,
    created_at: new Date((asCount(model.created) ?? 0) * 1_000).toISOString(),
    ...unsaid,
    ...(model.root !== undefined && { root: model.root }),
  };
}

/** Which part of a list is asked for, as Anthropic's SDKs do. */
interface Page {
  readonly limit?: string;
  readonly after_id?: string;
  readonly before_id?: string;
  /** Stages of a model's life, one or several. Absent: those in which calls can use it. */
  readonly 'lifecycle[]'?: string | readonly string[];
}

const defaultLimit = 20;
const maxLimit = 1_000;
const callable: readonly string[] = ['active', 'deprecated'];

/**
 * A page of models as Anthropic shows it.
 *
 * @throws {ProxyError} `invalid_request` where the page cannot be
 * @see https://platform.claude.com/docs/en/api/models/list
 */
function pageOf(all: readonly Body[], page: Page): Body {
  const limit = page.limit === undefined ? defaultLimit : Number(page.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > maxLimit) {
    throw new ProxyError('invalid_request', { param: 'limit', message: `limit must be from 1 to ${maxLimit}` });
  }
  const { after_id: after, before_id: before, 'lifecycle[]': stages } = page;
  const wanted = stages === undefined ? callable : [stages].flat();
  const models = all.map(asAnthropicModel).filter(({ lifecycle }) => wanted.includes(asString(lifecycle) ?? 'active'));
  const placeOf = (id: string) => models.findIndex((model) => model.id === id);
  const isBackwards = before !== undefined;
  const end = before === undefined ? models.length : Math.max(0, placeOf(before));
  // Behind a model that is not listed any more, the list begins anew.
  const begin = after === undefined ? 0 : placeOf(after) + 1;
  const from = isBackwards ? Math.max(begin, end - limit) : begin;
  const data = models.slice(from, Math.min(end, from + limit));
  return {
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: isBackwards ? from > begin : from + data.length < end,
  };
}
