import { ProxyError } from '../../error.ts';
import { asCount, asString, type Body } from '../../providers/json.ts';

/** A model of Anthropic's as OpenAI shows one; any other as its provider shows it. */
export function asOpenAiModel(model: Body): Body {
  if (model.type !== 'model') return model;
  const madeAtMs = Date.parse(asString(model.created_at) ?? '');
  const created = Number.isNaN(madeAtMs) ? 0 : Math.floor(madeAtMs / 1_000);
  return { ...model, object: 'model', created, owned_by: 'anthropic' };
}

/** A model as Anthropic shows it. What a provider of another kind does not say is unknown. */
export function asAnthropicModel(model: Body): Body {
  const id = asString(model.id) ?? '';
  if (model.type === 'model') return { ...model, id };
  return {
    type: 'model',
    id,
    display_name: id,
    created_at: new Date((asCount(model.created) ?? 0) * 1_000).toISOString(),
    ...{ capabilities: null, max_input_tokens: null, max_tokens: null, line: null },
    ...{ lifecycle: 'active', deprecated_at: null, retires_at: null },
    ...(model.root !== undefined && { root: model.root }),
  };
}

/** Which part of a list is asked for, as Anthropic's SDKs do. */
export interface AnthropicPage {
  readonly limit?: string;
  readonly after_id?: string;
  readonly before_id?: string;
}

const defaultLimit = 20;
const maxLimit = 1_000;

/**
 * A page of models as Anthropic shows it.
 *
 * @throws {ProxyError} `invalid_request` where the page cannot be
 * @see https://platform.claude.com/docs/en/api/models/list
 */
export function anthropicPage(models: readonly Body[], page: AnthropicPage): Body {
  const limit = page.limit === undefined ? defaultLimit : Number(page.limit);
  if (!Number.isInteger(limit) || limit < 1 || limit > maxLimit) {
    throw new ProxyError('invalid_request', { param: 'limit', message: `limit must be from 1 to ${maxLimit}` });
  }
  const { after_id: after, before_id: before } = page;
  const placeOf = (id: string) => models.findIndex((model) => model.id === id);
  const isBackwards = before !== undefined;
  const end = before === undefined ? models.length : Math.max(0, placeOf(before));
  // Behind a model that is not listed any more, the list begins anew.
  const begin = after === undefined ? 0 : placeOf(after) + 1;
  const from = isBackwards ? Math.max(begin, end - limit) : begin;
  const data = models.slice(from, Math.min(end, from + limit)).map(asAnthropicModel);
  return {
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: isBackwards ? from > begin : from + data.length < end,
  };
}
