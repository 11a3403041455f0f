import { composeAnswer, formatAnswer, limitOf, limitTokens, splitDeltas } from '../answer.ts';
import { Fields } from '../fields.ts';
import type { EventStream, Generation, GenerationRequest, StreamEvent } from '../generation.ts';
import type { GenerativeEndpoint } from '../generative-call.ts';
import { chatCompletionId } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import { findTextModel } from '../models.ts';
import { type OutputFormat, readOutputFormat } from '../output-format.ts';
import { errorEnvelope, errorOfStatus } from '../provider-error.ts';
import { answeredTier, serviceTiers } from '../service-tier.ts';
import { readChatMessages, type Turn } from '../turns.ts';
import { type TokenUsage, tokensOfText, usageOf } from '../usage.ts';

interface ChatRequest {
  model: string;
  turns: Turn[];
  maxTokens: number;
  choices: number;
  format: OutputFormat;
  stream: boolean;
  includeUsage: boolean;
  serviceTier: string;
}

interface Completion {
  /** What every chunk and the whole answer begin with. */
  head: JsonObject;
  text: string;
  /** The message's field that has the text. */
  saidAs: 'content' | 'refusal';
  finishReason: 'stop' | 'length';
  choices: number;
  usage: TokenUsage;
}

export function makeChatCompletions(): GenerativeEndpoint {
  return { path: '/v1/chat/completions', newId: chatCompletionId, generate };
}

function generate({ id, body, faults, createdAt }: GenerationRequest): Generation {
  const request = readRequest(new Fields(body));
  // A chat completion has no way to say that it failed.
  if (faults.failed) throw errorOfStatus(500);
  const model = findTextModel(request.model);
  const reasoning = Math.min(faults.reasoning ?? 0, request.maxTokens);
  const answer = faults.refusal
    ? 'I’m sorry, but I can’t help with that.'
    : formatAnswer(composeAnswer(request.model, request.turns, faults.words), request.format, request.turns);
  const { text, cut } = limitTokens(answer, limitOf(answer, request.maxTokens - reasoning, faults));
  const inputBytes = request.turns.reduce((bytes, turn) => bytes + turn.bytes, 0);
  const usage = usageOf(inputBytes, tokensOfText(text) * request.choices, reasoning, faults);
  const completion: Completion = {
    head: { id, created: createdAt, model: model.snapshot, service_tier: request.serviceTier },
    text,
    saidAs: faults.refusal ? 'refusal' : 'content',
    finishReason: cut ? 'length' : 'stop',
    choices: request.choices,
    usage,
  };
  if (!request.stream) return { usage, failed: false, answer: { kind: 'whole', body: wholeAnswer(completion) } };
  return { usage, failed: false, answer: { kind: 'stream', stream: chunkStream(completion, request.includeUsage) } };
}

function readRequest(body: Fields): ChatRequest {
  const model = body.requiredString('model');
  const turns = readChatMessages(body);
  body.metadata();
  body.number('temperature', { minimum: 0, maximum: 2 });
  body.number('top_p', { minimum: 0, maximum: 1 });
  body.number('frequency_penalty', { minimum: -2, maximum: 2 });
  body.number('presence_penalty', { minimum: -2, maximum: 2 });
  body.objects('tools');
  body.string('user');
  const limit = body.integer('max_completion_tokens', { minimum: 1 }) ?? body.integer('max_tokens', { minimum: 1 });
  return {
    model,
    turns,
    maxTokens: limit ?? Infinity,
    choices: body.integer('n', { minimum: 1, maximum: 128 }) ?? 1,
    format: readOutputFormat(body.nested('response_format'), 'json_schema'),
    stream: body.boolean('stream') ?? false,
    includeUsage: body.nested('stream_options')?.boolean('include_usage') ?? false,
    serviceTier: answeredTier(body.choice('service_tier', serviceTiers)),
  };
}

function wholeAnswer({ head, text, saidAs, finishReason, choices, usage }: Completion): JsonObject {
  return {
    ...head,
    object: 'chat.completion',
    choices: Array.from({ length: choices }, (_, index) => ({
      index,
      message: { role: 'assistant', content: null, refusal: null, annotations: [], [saidAs]: text },
      logprobs: null,
      finish_reason: finishReason,
    })),
    usage: usageObject(usage),
    system_fingerprint: fingerprint,
  };
}

function chunkStream(completion: Completion, includeUsage: boolean): EventStream {
  const deltas = splitDeltas(completion.text);
  return {
    deltaCount: deltas.length * completion.choices,
    events: () => chunks(completion, deltas, includeUsage),
    encode: (data) => `data: ${JSON.stringify(data)}\n\n`,
    error: errorEnvelope,
    unknown: () => ({ ...completion.head, object: 'chat.completion.note', choices: [] }),
    trailer: 'data: [DONE]\n\n',
  };
}

function* chunks(completion: Completion, deltas: string[], includeUsage: boolean): Iterable<StreamEvent> {
  const indexes = Array.from({ length: completion.choices }, (_, index) => index);
  const chunk = (choices: JsonObject[], usage: JsonObject | null): JsonObject => ({
    ...completion.head,
    object: 'chat.completion.chunk',
    system_fingerprint: fingerprint,
    choices,
    ...(includeUsage ? { usage } : {}),
  });
  const choice = (index: number, delta: JsonObject, finishReason: string | null = null) =>
    chunk([{ index, delta, logprobs: null, finish_reason: finishReason }], null);

  for (const index of indexes) {
    yield { part: 'opening', data: choice(index, { role: 'assistant', content: '', refusal: null }) };
  }
  for (const part of deltas) {
    for (const index of indexes) yield { part: 'delta', data: choice(index, { [completion.saidAs]: part }) };
  }
  for (const index of indexes) yield { part: 'terminal', data: choice(index, {}, completion.finishReason) };
  if (includeUsage) yield { part: 'terminal', data: chunk([], usageObject(completion.usage)) };
}

const fingerprint = 'fp_5a4db0c4e1';

function usageObject({ input, cached, output, reasoning }: TokenUsage): JsonObject {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached, audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}
