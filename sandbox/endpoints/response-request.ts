import type { Fields } from '../fields.ts';
import type { JsonObject } from '../json.ts';
import { type OutputFormat, readOutputFormat } from '../output-format.ts';
import { ProviderError } from '../provider-error.ts';
import { answeredTier, serviceTiers } from '../service-tier.ts';
import { readResponseTools } from '../tools/response-tools.ts';
import type { ToolUse } from '../tools/tool.ts';
import { readInputItems } from '../turns.ts';

/** The parameters of `POST /v1/responses` that the sandbox uses, and those that it only echoes. */
export interface ResponseRequest {
  model: string;
  instructions: string | null;
  input: JsonObject[];
  previousId: string | null;
  /** Tokens including reasoning. Infinite where there is no limit. */
  maxOutputTokens: number;
  format: OutputFormat;
  toolUse: ToolUse;
  stream: boolean;
  store: boolean;
  isBackground: boolean;
  /** The fields of the request that a response repeats, with defaults. */
  echo: JsonObject;
}

/** @throws ProviderError 400 naming the parameter that is missing or wrong */
export function readResponseRequest(body: Fields): ResponseRequest {
  const model = body.requiredString('model');
  const input = readInputItems(body);
  const isBackground = body.boolean('background') ?? false;
  const store = body.boolean('store') ?? true;
  if (isBackground && !store) throw conflict('background', "it needs 'store' to be true.");
  if (body.value('conversation') !== null && body.string('previous_response_id') !== null) {
    throw conflict('previous_response_id', "only one of 'previous_response_id' and 'conversation' may be given.");
  }
  const text = body.nested('text');
  const toolUse = readResponseTools(body);
  const maxOutputTokens = body.integer('max_output_tokens', { minimum: 16 });
  return {
    model,
    instructions: body.string('instructions'),
    input,
    previousId: body.string('previous_response_id'),
    maxOutputTokens: maxOutputTokens ?? Infinity,
    format: readOutputFormat(text?.nested('format') ?? null),
    toolUse,
    stream: body.boolean('stream') ?? false,
    store,
    isBackground,
    echo: readEcho(body),
  };
}

function readEcho(body: Fields): JsonObject {
  const text = body.object('text');
  const reasoning = body.object('reasoning');
  return {
    background: body.boolean('background') ?? false,
    instructions: body.string('instructions'),
    max_output_tokens: body.integer('max_output_tokens'),
    max_tool_calls: body.integer('max_tool_calls', { minimum: 1 }),
    metadata: body.metadata() ?? {},
    parallel_tool_calls: body.boolean('parallel_tool_calls') ?? true,
    previous_response_id: body.string('previous_response_id'),
    prompt_cache_key: body.string('prompt_cache_key'),
    reasoning: { effort: reasoning?.effort ?? null, summary: reasoning?.summary ?? null },
    safety_identifier: body.string('safety_identifier'),
    service_tier: answeredTier(body.choice('service_tier', serviceTiers)),
    store: body.boolean('store') ?? true,
    temperature: body.number('temperature', { minimum: 0, maximum: 2 }) ?? 1,
    text: { verbosity: 'medium', ...text, format: text?.format ?? { type: 'text' } },
    tool_choice: body.value('tool_choice') ?? 'auto',
    tools: (body.objects('tools') ?? []).map((tool) => (tool.type === 'function' ? { strict: true, ...tool } : tool)),
    top_logprobs: body.integer('top_logprobs', { minimum: 0, maximum: 20 }) ?? 0,
    top_p: body.number('top_p', { minimum: 0, maximum: 1 }) ?? 1,
    truncation: body.choice('truncation', ['auto', 'disabled']) ?? 'disabled',
    user: body.string('user'),
  };
}

function conflict(param: string, reason: string): ProviderError {
  return new ProviderError(`Invalid '${param}': ${reason}`, { param, code: 'invalid_value' });
}
