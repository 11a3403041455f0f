import { asCount, asObject, asString, errorCodeOf } from '../json.ts';
import type { Reading } from '../reading.ts';
import { type Usage, unknownUsage } from '../usage.ts';
import type { WireFormat } from '../wire-format.ts';
import { readTokenUsage } from './token-usage.ts';
import { makeTypedEventReader } from './typed-events.ts';

/**
 * `GET /v1/realtime`, a WebSocket. What is read as an answer is the response in `response.done`.
 *
 * @see https://platform.openai.com/docs/api-reference/realtime-server-events
 */
export const realtime: WireFormat = {
  path: '/realtime',
  needsUsageOption: () => false,
  read: readRealtimeResponse,
  readStream: () =>
    makeTypedEventReader({
      isOutput: (type) => type.endsWith('.delta'),
      isLast: (type) => type === 'response.done',
      read: (_, data) => readRealtimeResponse(data.response),
    }),
};

/** Reads the response of a `response.done`. */
export function readRealtimeResponse(value: unknown): Reading {
  const response = asObject(value);
  const details = asObject(response?.status_details);
  const status = asString(response?.status);
  const failed = status === 'failed';
  return {
    failed,
    errorCode: failed ? errorCodeOf(details?.error) : null,
    responseId: asString(response?.id),
    model: null,
    serviceTier: null,
    usage: readRealtimeUsage(response?.usage),
    ...(status === 'cancelled' && { state: 'cancelled' }),
  };
}

/** Reads the usage of a response, with its parts by kind: text, audio and images, and what of them was cached. */
export function readRealtimeUsage(value: unknown): Usage {
  const usage = asObject(value);
  if (!usage) return unknownUsage;
  const input = asObject(usage.input_token_details) ?? {};
  const output = asObject(usage.output_token_details) ?? {};
  const cached = asObject(input.cached_tokens_details);
  const cachedInputTokens = asCount(input.cached_tokens);
  return {
    ...unknownUsage,
    inputTokens: asCount(usage.input_tokens),
    cachedInputTokens,
    outputTokens: asCount(usage.output_tokens),
    totalTokens: asCount(usage.total_tokens),
    inputAudioTokens: asCount(input.audio_tokens),
    inputImageTokens: asCount(input.image_tokens),
    // Without the details, it is unknown what was cached, unless nothing was.
    cachedAudioTokens: cached ? (asCount(cached.audio_tokens) ?? 0) : cachedInputTokens === 0 ? 0 : null,
    cachedImageTokens: cached ? (asCount(cached.image_tokens) ?? 0) : cachedInputTokens === 0 ? 0 : null,
    outputAudioTokens: asCount(output.audio_tokens),
  };
}

/** Reads the usage of a transcription: tokens, or the length of the audio. */
export function readTranscriptionUsage(value: unknown): Usage {
  const usage = asObject(value);
  if (usage?.type !== 'duration') return readTokenUsage(usage);
  const { seconds } = usage;
  return { ...unknownUsage, audioSeconds: typeof seconds === 'number' && seconds >= 0 ? seconds : null };
}
