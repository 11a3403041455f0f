import { type Usage, unknownUsage } from '../call.ts';
import { makeEventSplitter, type ServerSentEvent } from '../sse.ts';
import { asArray, asCount, asObject, asString, errorCodeOf, parseObject } from './json.ts';
import type { Reading, StreamOptions, StreamReader } from './operation.ts';

/** Puts the choices of a stream together again, for the contents store. */
export interface Assembly {
  add(choices: readonly unknown[]): void;
  toJson(reading: Reading): string;
}

/** Reads an answer, or a chunk of one, of those operations that answer with `choices`. */
export function readCompletion(answer: unknown): Reading {
  const completion = asObject(answer);
  const failed = completion?.error !== undefined && completion.error !== null;
  return {
    failed,
    errorCode: failed ? errorCodeOf(completion.error) : null,
    responseId: asString(completion?.id),
    model: asString(completion?.model),
    serviceTier: asString(completion?.service_tier),
    usage: readUsage(completion?.usage),
    ...readAudioIds(asArray(completion?.choices)),
  };
}

/** What a model said aloud can be named in the next call. */
function readAudioIds(choices: readonly unknown[]): Pick<Reading, 'keptIds'> {
  const keptIds = choices
    .map(asObject)
    .map((choice) => asObject(asObject(choice?.message ?? choice?.delta)?.audio)?.id)
    .filter((id) => typeof id === 'string');
  return keptIds.length === 0 ? {} : { keptIds };
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

  /** Notes what the event says and returns what the client gets of it. */
  const observe = (event: ServerSentEvent): Buffer | undefined => {
    if (reading !== undefined) return event.raw;
    if (event.data === '[DONE]') {
      reading = partial;
      return event.raw;
    }
    const chunk = parseObject(event.data);
    if (!chunk) return event.raw;
    const read = readCompletion(chunk);
    if (read.failed) {
      reading = { ...read, responseId: partial.responseId, model: partial.model };
      return event.raw;
    }
    const hasUsage = asObject(chunk.usage) !== null;
    partial = {
      ...read,
      responseId: read.responseId ?? partial.responseId,
      model: read.model ?? partial.model,
      serviceTier: read.serviceTier ?? partial.serviceTier,
      usage: hasUsage ? read.usage : partial.usage,
      ...(partial.keptIds && { keptIds: [...partial.keptIds, ...(read.keptIds ?? [])] }),
    };
    const choices = asArray(chunk.choices);
    if (choices.length > 0) hasOutput = true;
    if (keepOutput) assembly.add(choices);
    if (!hideUsage) return event.raw;
    if (hasUsage && choices.length === 0) return undefined;
    return chunk.usage === null ? withoutAbsentUsage(event.raw) : event.raw;
  };

  return {
    read(chunk) {
      const events = split(chunk)
        .map(observe)
        .filter((raw) => raw !== undefined);
      if (!hideUsage) return chunk;
      return events.length === 0 ? undefined : Buffer.concat(events);
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
function withoutAbsentUsage(raw: Buffer): Buffer {
  const text = raw.toString('latin1');
  const found = [...text.matchAll(absentUsage)];
  const own = found.length > 1 ? found.find(({ index }) => isAtTop(text.slice(0, index))) : found[0];
  if (!own) return raw;
  return Buffer.from(text.slice(0, own.index) + text.slice(own.index + own[0].length), 'latin1');
}

/** Whether what follows this part of an event is a field of the chunk itself, and of nothing in it. */
function isAtTop(before: string): boolean {
  const structure = before.replace(/"(?:[^"\\]|\\.)*"/g, '');
  return structure.replace(/[^{[]/g, '').length - structure.replace(/[^}\]]/g, '').length === 1;
}
