import { composeAnswer, limitTokens, splitDeltas } from '../answer.ts';
import { Fields, wrongType } from '../fields.ts';
import type { EventStream, Generation, GenerationRequest, StreamEvent } from '../generation.ts';
import type { GenerativeEndpoint } from '../generative-call.ts';
import { completionId } from '../ids.ts';
import type { JsonObject, JsonValue } from '../json.ts';
import { findModelFor } from '../models.ts';
import { errorEnvelope, errorOfStatus } from '../provider-error.ts';
import { type TokenUsage, tokensOfText, usageOf } from '../usage.ts';

interface Choice {
  text: string;
  finishReason: 'stop' | 'length';
}

interface Completion {
  head: JsonObject;
  choices: Choice[];
  usage: TokenUsage;
}

export function makeCompletions(): GenerativeEndpoint {
  return { path: '/v1/completions', newId: completionId, generate };
}

function generate({ id, body, faults, createdAt }: GenerationRequest): Generation {
  const fields = new Fields(body);
  const model = findModelFor('completion', fields.requiredString('model'));
  const prompts = readPrompts(fields.value('prompt'));
  const maxTokens = fields.integer('max_tokens', { minimum: 1 }) ?? Infinity;
  const copies = fields.integer('n', { minimum: 1, maximum: 128 }) ?? 1;
  const isStream = fields.boolean('stream') ?? false;
  const includesUsage = fields.nested('stream_options')?.boolean('include_usage') ?? false;
  // A completion has no way to say that it failed.
  if (faults.failed) throw errorOfStatus(500);
  const choices = prompts.flatMap((prompt) => {
    const answer = composeAnswer(model.id, [{ speaker: 'user', text: prompt.text, bytes: prompt.bytes }], faults.words);
    const { text, cut } = limitTokens(answer, maxTokens);
    return Array.from({ length: copies }, (): Choice => ({ text, finishReason: cut ? 'length' : 'stop' }));
  });
  const inputBytes = prompts.reduce((bytes, prompt) => bytes + prompt.bytes, 0);
  const output = choices.reduce((tokens, { text }) => tokens + tokensOfText(text), 0);
  const usage = usageOf(inputBytes, output, 0, faults);
  const head = { id, object: 'text_completion', created: createdAt, model: model.snapshot };
  const completion = { head, choices, usage };
  return {
    usage,
    failed: false,
    answer: isStream
      ? { kind: 'stream', stream: chunkStream(completion, includesUsage) }
      : { kind: 'whole', body: { ...head, choices: choices.map(wholeChoice), usage: usageObject(usage) } },
  };
}

/** One text, one list of tokens, or a list of either; a token counts as four bytes. */
function readPrompts(prompt: JsonValue): { text: string; bytes: number }[] {
  if (prompt === null) return [{ text: '<|endoftext|>', bytes: 4 }];
  if (typeof prompt === 'string') return [{ text: prompt, bytes: Buffer.byteLength(prompt) }];
  if (!Array.isArray(prompt)) throw wrongType('prompt', 'one of a string or array', prompt);
  if (prompt.length > 0 && prompt.every((token) => typeof token === 'number')) {
    return [{ text: `${prompt.length} tokens`, bytes: prompt.length * 4 }];
  }
  return prompt.flatMap(readPrompts);
}

function wholeChoice({ text, finishReason }: Choice, index: number): JsonObject {
  return { text, index, logprobs: null, finish_reason: finishReason };
}

function chunkStream({ head, choices, usage }: Completion, includesUsage: boolean): EventStream {
  const deltas = choices.flatMap(({ text }, index) => splitDeltas(text).map((delta) => ({ delta, index })));
  const chunk = (choice: JsonObject[], used: JsonObject | null): JsonObject => ({
    ...head,
    choices: choice,
    ...(includesUsage ? { usage: used } : {}),
  });
  function* events(): Iterable<StreamEvent> {
    for (const { delta, index } of deltas) {
      yield { part: 'delta', data: chunk([{ text: delta, index, logprobs: null, finish_reason: null }], null) };
    }
    for (const [index, choice] of choices.entries()) {
      yield { part: 'terminal', data: chunk([{ ...wholeChoice(choice, index), text: '' }], null) };
    }
    if (includesUsage) yield { part: 'terminal', data: chunk([], usageObject(usage)) };
  }
  return {
    deltaCount: deltas.length,
    events,
    encode: (data) => `data: ${JSON.stringify(data)}\n\n`,
    error: errorEnvelope,
    unknown: () => ({ ...head, object: 'text_completion.note', choices: [] }),
    trailer: 'data: [DONE]\n\n',
  };
}

function usageObject({ input, output }: TokenUsage): JsonObject {
  return { prompt_tokens: input, completion_tokens: output, total_tokens: input + output };
}
