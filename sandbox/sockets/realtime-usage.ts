import type { JsonObject } from '../json.ts';
import { type TokenUsage, tokensOfText } from '../usage.ts';
import { spokenTokens } from './realtime-audio.ts';

/** What a response has as its input. */
export interface InputTokens {
  readonly text: number;
  readonly audio: number;
  readonly cachedText: number;
  readonly cachedAudio: number;
}

/** @param words how many are spoken */
export function usageOf(
  { text, audio, cachedText, cachedAudio }: InputTokens,
  said: string,
  words: number,
): TokenUsage {
  const outputAudio = spokenTokens(words);
  return {
    input: text + audio,
    cached: cachedText + cachedAudio,
    output: tokensOfText(said) + outputAudio,
    reasoning: 0,
    ...{ inputAudio: audio, cachedAudio, outputAudio },
  };
}

/** The usage as an event has it. */
export function usageObject({ input, cached, output, outputAudio = 0 }: TokenUsage, from: InputTokens): JsonObject {
  return {
    total_tokens: input + output,
    input_tokens: input,
    output_tokens: output,
    input_token_details: {
      ...{ text_tokens: from.text, audio_tokens: from.audio, image_tokens: 0, cached_tokens: cached },
      cached_tokens_details: { text_tokens: from.cachedText, audio_tokens: from.cachedAudio, image_tokens: 0 },
    },
    output_token_details: { text_tokens: output - outputAudio, audio_tokens: outputAudio },
  };
}
