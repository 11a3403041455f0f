import { type Fields, wrongType } from '../fields.ts';
import { type OutputFormat, readOutputFormat } from '../output-format.ts';
import { answeredTier, serviceTiers } from '../service-tier.ts';
import { requireAnsweredMessages } from '../tools/answered-calls.ts';
import { type ChatToolUse, readChatTools } from '../tools/chat-tools.ts';
import { readChatMessages, type Turn } from '../turns.ts';

/** The parameters of `POST /v1/chat/completions` that the sandbox acts on. */
export interface ChatRequest {
  model: string;
  turns: Turn[];
  toolUse: ChatToolUse;
  maxTokens: number;
  stop: readonly string[];
  choices: number;
  format: OutputFormat;
  stream: boolean;
  includeUsage: boolean;
  serviceTier: string;
}

/** @throws ProviderError 400 naming the parameter that is missing or wrong */
export function readChatRequest(body: Fields): ChatRequest {
  const model = body.requiredString('model');
  const turns = readChatMessages(body);
  requireAnsweredMessages(turns);
  body.metadata();
  body.number('temperature', { minimum: 0, maximum: 2 });
  body.number('top_p', { minimum: 0, maximum: 1 });
  body.number('frequency_penalty', { minimum: -2, maximum: 2 });
  body.number('presence_penalty', { minimum: -2, maximum: 2 });
  body.string('user');
  const limit = body.integer('max_completion_tokens', { minimum: 1 }) ?? body.integer('max_tokens', { minimum: 1 });
  return {
    model,
    turns,
    toolUse: readChatTools(body),
    maxTokens: limit ?? Infinity,
    stop: readStop(body),
    choices: body.integer('n', { minimum: 1, maximum: 128 }) ?? 1,
    format: readOutputFormat(body.nested('response_format'), 'json_schema'),
    stream: body.boolean('stream') ?? false,
    includeUsage: body.nested('stream_options')?.boolean('include_usage') ?? false,
    serviceTier: answeredTier(body.choice('service_tier', serviceTiers)),
  };
}

/** A text, or up to four. */
function readStop(body: Fields): string[] {
  const stop = body.value('stop');
  if (stop === null) return [];
  const stops = Array.isArray(stop) ? stop : [stop];
  return stops.map((one) => {
    if (typeof one === 'string') return one;
    throw wrongType('stop', 'one of a string or array of strings', stop);
  });
}
