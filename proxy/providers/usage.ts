/** The usage of a call, in the units that providers bill. Null: not reported, or not a unit of this call. */
export interface Usage {
  readonly inputTokens: number | null;
  readonly cachedInputTokens: number | null;
  readonly cacheWriteTokens: number | null;
  /** The part of `cacheWriteTokens` that the provider keeps for an hour, which costs more. */
  readonly longCacheWriteTokens: number | null;
  readonly outputTokens: number | null;
  readonly reasoningTokens: number | null;
  readonly totalTokens: number | null;
  /** Parts of the input and output tokens that have separate prices. */
  readonly inputAudioTokens: number | null;
  readonly inputImageTokens: number | null;
  /** The parts of the cached input that are audio and images. Null: the provider does not tell what it cached. */
  readonly cachedAudioTokens: number | null;
  readonly cachedImageTokens: number | null;
  readonly outputAudioTokens: number | null;
  readonly outputImageTokens: number | null;
  /** Generated images, with the properties that their price depends on. */
  readonly images: number | null;
  readonly imageSize: string | null;
  readonly imageQuality: string | null;
  /** Length of the input audio. */
  readonly audioSeconds: number | null;
  /** Characters of generated speech. */
  readonly characters: number | null;
  /** Calls of the provider's own tools, which may have fees. */
  readonly toolCalls: readonly ToolCalls[] | null;
}

/** Calls of one of the provider's own tools, such as `web_search`. */
export interface ToolCalls {
  readonly type: string;
  readonly count: number;
}

export const unknownUsage: Usage = {
  inputTokens: null,
  cachedInputTokens: null,
  cacheWriteTokens: null,
  longCacheWriteTokens: null,
  outputTokens: null,
  reasoningTokens: null,
  totalTokens: null,
  inputAudioTokens: null,
  inputImageTokens: null,
  cachedAudioTokens: null,
  cachedImageTokens: null,
  outputAudioTokens: null,
  outputImageTokens: null,
  images: null,
  imageSize: null,
  imageQuality: null,
  audioSeconds: null,
  characters: null,
  toolCalls: null,
};
