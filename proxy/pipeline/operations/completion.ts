import { type Usage, unknownUsage } from '../call.ts';
import { makeEventSplitter, type ServerSentEvent } from '../sse.ts';
import { asArray, asCount, asObject, asString, errorCodeOf, parseObject } from './json.ts';
import type { Body, Reading, StreamOptions, StreamReader } from './operation.ts';

/** Puts the choices of a stream together again, for the contents store. */
export interface Assembly {
  add(choices: readonly unknown[]): void;
  toJson(reading: Reading): string;
}

/** Reads an answer, or a chunk of one, of those operations that answer with `choices`. */
export function readCompletion(answer: unknown): Reading {
  const completion = asObject(answer);
  const failed = hasFailed(completion);
  const keptIds = readAudioIds(asArray(completion?.choices));
  return {
    failed,
    errorCode: failed ? errorCodeOf(completion?.error) : null,
    responseId: asString(completion?.id),
    model: asString(completion?.model),
    serviceTier: asString(completion?.service_tier),
    usage: readUsage(completion?.usage),
    ...(keptIds.length > 0 && { keptIds }),
  };
}

function hasFailed(completion: Body | null): boolean {
  return completion?.error !== undefined && completion.error !== null;
}

/** What a model said aloud can be named in the next call. */
function readAudioIds(choices: readonly unknown[]): string[] {
  const ids: string[] = [];
  for (const value of choices) {
    const choice = asObject(value);
    const id = asObject(asObject(choice?.message ?? choice?.delta)?.audio)?.id;
    if (typeof id === 'string') ids.push(id);
  }
  return ids;
}

function readUsage(value: unknown): Usage {
  const usage = asObject(value);
  const prompt = asObject(usage?.prompt_tokens_details);
  const completion = asObject(usage?.completion_tokens_details);
  return {
    ...unknownUsage,
    inputTokens: asCount(usage?.prompt_tokens),
    cachedInputTokens: asCount(prompt?.cached_tokens),
    cacheWriteTokens: asCount(prompt?.cache_write_tokens),
    outputTokens: asCount(usage?.completion_tokens),
    reasoningTokens: asCount(completion?.reasoning_tokens),
    totalTokens: asCount(usage?.total_tokens),
    inputAudioTokens: asCount(prompt?.audio_tokens),
    outputAudioTokens: asCount(completion?.audio_tokens),
  };
}

/** Reads a stream of chunks that ends with `[DONE]`, and takes out usage that was asked for in the client's place. */
export function makeCompletionReader({ hideUsage, keepOutput }: StreamOptions, assembly: Assembly): StreamReader {
  const split = makeEventSplitter();
  let partial = readCompletion(null);
  let reading: Reading | undefined;
  let hasOutput = false;

  /** All chunks name the same response: what they say of it is put down only where one says something new. */
  const note = (chunk: Body, choices: readonly unknown[]) => {
    const responseId = asString(chunk.id) ?? partial.responseId;
    const model = asString(chunk.model) ?? partial.model;
    const serviceTier = asString(chunk.service_tier) ?? partial.serviceTier;
    const usage = asObject(chunk.usage) ? readUsage(chunk.usage) : partial.usage;
    const keptIds = readAudioIds(choices);
    const isKnown =
      responseId === partial.responseId &&
      model === partial.model &&
      serviceTier === partial.serviceTier &&
      usage === partial.usage;
    if (isKnown && keptIds.length === 0) return;
    if (partial.keptIds) keptIds.unshift(...partial.keptIds);
    partial = { ...partial, responseId, model, serviceTier, usage, ...(keptIds.length > 0 && { keptIds }) };
  };

  /** Notes what the event says, and returns what the client gets of it. */
  const observe = ({ data, raw }: ServerSentEvent): string => {
    if (reading !== undefined) return raw;
    if (data === '[DONE]') {
      reading = partial;
      return raw;
    }
    const chunk = parseObject(data);
    if (!chunk) return raw;
    if (hasFailed(chunk)) {
      reading = { ...readCompletion(chunk), responseId: partial.responseId, model: partial.model };
      return raw;
    }
    const choices = asArray(chunk.choices);
    note(chunk, choices);
    if (choices.length > 0) hasOutput = true;
    if (keepOutput) assembly.add(choices);
    if (!hideUsage) return raw;
    if (chunk.usage === null) return withoutAbsentUsage(raw);
    return choices.length === 0 && asObject(chunk.usage) ? '' : raw;
  };

  return {
    read(chunk) {
      let passed = '';
      for (const event of split(chunk)) passed += observe(event);
      if (!hideUsage) return chunk;
      return passed === '' ? undefined : Buffer.from(passed, 'latin1');
    },
    reading: () => reading,
    hasOutput: () => hasOutput,
    partial: () => partial,
    output: () => (keepOutput ? assembly.toJson(partial) : undefined),
    interruption: (message, code) =>
      `data: ${JSON.stringify({ error: { message, type: 'server_error', param: null, code } })}\n\n`,
  };
}

/** `"usage":null` with the comma beside it. It cannot be in a string, where its quotes would be escaped. */
const absentUsage = /,\s*"usage"\s*:\s*null|"usage"\s*:\s*null\s*,\s*/g;

/** Takes `"usage":null` back out of a chunk, which is there only since usage was asked for; other bytes stay as they are. */
function withoutAbsentUsage(raw: string): string {
  const own = findOwnUsage(raw);
  return own ? raw.slice(0, own.start) + raw.slice(own.end) : raw;
}

function findOwnUsage(raw: string): { start: number; end: number } | undefined {
  // As OpenAI writes it, which is found without an expression.
  const usual = ',"usage":null';
  const start = raw.indexOf('"usage"') - 1;
  const isUsual = raw.startsWith(usual, start) && raw.lastIndexOf('"usage"') === start + 1;
  if (isUsual) return { start, end: start + usual.length };
  const found = [...raw.matchAll(absentUsage)];
  const own = found.length > 1 ? found.find(({ index }) => isAtTop(raw.slice(0, index))) : found[0];
  return own && { start: own.index, end: own.index + own[0].length };
}

/** Whether what follows this part of an event is a field of the chunk itself, and of nothing in it. */
function isAtTop(before: string): boolean {
  const structure = before.replace(/"(?:[^"\\]|\\.)*"/g, '');
  return structure.replace(/[^{[]/g, '').length - structure.replace(/[^}\]]/g, '').length === 1;
}
