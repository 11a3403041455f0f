export interface ListedModel {
  /** For `model` of requests. */
  readonly id: string;
  readonly provider: string;
  readonly model: string;
  readonly complianceLevel: string | null;
  readonly capabilities: readonly ('text_generation' | 'embeddings' | 'classification')[];
  readonly isDefault: boolean;
}

export interface ListedModels {
  readonly providers: readonly ListedModel[];
  readonly defaultProvider: string | null;
}

export interface GenerateParams {
  readonly prompt: string;
  /** An id of `listModels`, or a model. Absent: the default. */
  readonly model?: string | undefined;
  readonly maxTokens?: number | undefined;
  readonly temperature?: number | undefined;
  readonly systemPrompt?: string | undefined;
  /** Facts for the model. Their names stay as they are. */
  readonly context?: Readonly<Record<string, unknown>> | undefined;
}

/** Null: the provider does not tell. */
export interface TokenUsage {
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly totalTokens: number | null;
}

export interface GeneratedText {
  readonly generatedText: string;
  readonly usage: TokenUsage;
  /** As the provider names it. */
  readonly model: string;
  /** `length`: the limit of tokens has cut the text. */
  readonly finishReason: 'stop' | 'length';
  /** By the organization's guardrails, whose names are in `flags`. */
  readonly complianceCheck: { readonly passed: boolean; readonly flags: readonly string[] };
}

/** A part of a text while it is written. */
export type TextEvent =
  | { readonly type: 'delta'; readonly text: string }
  | { readonly type: 'done'; readonly response: GeneratedText };

export interface EmbedParams {
  /** Up to 256. */
  readonly texts: readonly string[];
  readonly model: string;
  readonly dimensions?: number | undefined;
}

export interface Embeddings {
  /** In the order of the texts. */
  readonly embeddings: readonly (readonly number[])[];
  readonly model: string;
  readonly dimensions: number;
  readonly usage: TokenUsage;
}

export interface ClassifyParams {
  readonly text: string;
  /** 2 to 100, each once. */
  readonly categories: readonly string[];
  readonly model?: string | undefined;
}

export interface Classification {
  /** By category; they sum to one. */
  readonly classifications: Readonly<Record<string, number>>;
  readonly topCategory: string;
  readonly model: string;
}

export interface ExplainParams {
  /** `sentiment`, or a deployed model. */
  readonly modelName: string;
  readonly text: string;
  readonly language?: string | undefined;
}

export interface FeatureImportance {
  readonly feature: string;
  readonly importance: number;
  /** The half width of the 95 % confidence interval; 0: it is exact. */
  readonly error: number;
  readonly position: number;
}

export interface Explanation {
  readonly prediction: { readonly sentiment: string; readonly confidence: number };
  readonly explanation: {
    readonly method: 'shap';
    readonly explains: string;
    /** It and all importances together are `outputValue`. */
    readonly baseValue: number;
    readonly outputValue: number;
    readonly featureImportance: readonly FeatureImportance[];
    readonly exact: boolean;
    readonly evaluations: number;
    /** A picture for whoever has the address, until it expires. */
    readonly visualizationUrl: string;
    readonly visualizationExpiresAt: string;
  };
}
