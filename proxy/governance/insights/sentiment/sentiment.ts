/** How a text sounds. The three shares sum to one but for their rounding. */
export interface Sentiment {
  readonly sentiment: 'positive' | 'negative' | 'neutral';
  readonly positive: number;
  readonly negative: number;
  readonly neutral: number;
  /** From 1 to 10. */
  readonly satisfactionScore: number;
  readonly keyPositives: readonly string[];
  readonly keyNegatives: readonly string[];
  /** From -1 to 1. Absent: a model has judged. */
  readonly compound?: number;
}

/** How texts are to be judged. */
export interface SentimentTerms {
  /** Whether a model is asked. */
  readonly useAi: boolean;
  /** The model, or an alias. */
  readonly model: string;
}

export const defaultSentimentModel = 'gpt-4o-mini';

/** A text, with its language where that is known (ISO 639-1). */
export interface GivenText {
  readonly text: string;
  readonly language?: string | undefined;
}
