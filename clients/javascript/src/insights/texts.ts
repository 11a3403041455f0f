import type { UploadContent } from '../transport.ts';

/** A login, and what it opens. */
export interface Login {
  /** For requests. A client that was made by `logIn` sends it. */
  readonly token: string;
  readonly userId: string;
  readonly roles: readonly string[];
  readonly expiresAt: string;
  /** It gets the next token, once. */
  readonly refreshToken: string;
  readonly refreshExpiresAt: string;
}

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface SentimentParams {
  readonly text: string;
  /** Whether a model is asked, in a call of yours. Absent: no provider is, and only English is understood. */
  readonly useAi?: boolean | undefined;
  /** The model, or an alias. */
  readonly model?: string | undefined;
  /** Such as `en`. Absent: it is found out. */
  readonly language?: string | undefined;
}

/** The three shares sum to one but for their rounding. */
export interface SentimentShares {
  readonly sentiment: 'positive' | 'negative' | 'neutral';
  readonly positive: number;
  readonly negative: number;
  readonly neutral: number;
  /** From -1 to 1, without a model. */
  readonly compound?: number;
}

export interface Sentiment extends SentimentShares {
  readonly analysis: {
    /** From 1 to 10. */
    readonly satisfactionScore: number;
    readonly keyPositives: readonly string[];
    readonly keyNegatives: readonly string[];
  };
  readonly method: 'vader' | 'ai';
}

export interface BatchParams {
  /** Up to 1,000, each with an id of yours. */
  readonly conversations: readonly { readonly id: string; readonly text: string; readonly language?: string }[];
  readonly useAi?: boolean | undefined;
  readonly model?: string | undefined;
}

/** What became of a text: the shares, or the error. */
export interface BatchResult extends Partial<SentimentShares> {
  readonly id: string;
  readonly error?: { readonly code: string; readonly message: string };
}

export interface BatchSummary {
  readonly positiveCount: number;
  readonly negativeCount: number;
  readonly neutralCount: number;
  readonly failedCount: number;
}

export interface BatchResults {
  /** In the order of the texts. */
  readonly results: readonly BatchResult[];
  readonly summary: BatchSummary;
}

/** A batch that a worker judges. */
export interface QueuedBatch extends Partial<BatchResults> {
  readonly batchId: string;
  readonly status: 'queued' | 'processing' | 'completed' | 'failed';
  readonly progress: { readonly total: number; readonly done: number; readonly failed: number };
  readonly createdAt: string;
  readonly completedAt: string | null;
  readonly failure?: { readonly code: string; readonly message: string };
}

export interface AnonymizeParams {
  readonly text: string;
  /** Whether the mapping is shown, masked, and kept, sealed. */
  readonly keepMapping?: boolean | undefined;
  /** A kept mapping to go on with. */
  readonly mappingId?: string | undefined;
  /** Such as `email`. Absent: all. */
  readonly kinds?: readonly string[] | undefined;
  /** Whose national telephone numbers count, such as `US`. */
  readonly phoneRegions?: readonly string[] | undefined;
}

export interface AnonymizedText {
  readonly anonymizedText: string;
  /** By placeholder. */
  readonly mapping: Readonly<Record<string, string>>;
  readonly mappingId?: string;
  readonly piiDetected: readonly string[];
}

export interface RestoredText {
  readonly text: string;
  /** How many placeholders were replaced. */
  readonly restored: number;
}

export interface FairnessParams {
  readonly data: readonly Readonly<Record<string, unknown>>[];
  readonly attributes: readonly string[];
  readonly outcomeColumns: readonly string[];
  readonly intersections?: boolean | undefined;
  readonly minGroupSize?: number | undefined;
  readonly alpha?: number | undefined;
}

/** A dataset of any length, which the server reads while it arrives. */
export interface FairnessUpload extends Omit<FairnessParams, 'data'> {
  /** CSV with a line of names, or a JSON object a line. A stream is sent once: what fails is not tried again. */
  readonly content: UploadContent;
  readonly format: 'csv' | 'ndjson';
  /** How the content is compressed. */
  readonly encoding?: 'gzip' | undefined;
}

export interface GroupFigures {
  readonly average: number;
  readonly sampleSize: number;
  readonly selectionRate?: number;
  readonly confidenceInterval: readonly [from: number, to: number] | null;
  readonly tooSmall: boolean;
  readonly test: {
    readonly method: 'z-test' | 'fisher' | 'welch';
    readonly pValue: number;
    readonly correctedPValue: number;
    readonly significant: boolean;
  } | null;
}

export interface FairnessFinding {
  readonly attribute: string;
  readonly outcome: string;
  /** By group. */
  readonly disparities: Readonly<Record<string, GroupFigures>>;
  readonly disparityScore: number | null;
  readonly concernLevel: 'low' | 'medium' | 'high' | 'insufficient_data';
  readonly fourFifthsRule: boolean | null;
  readonly ratio: number | null;
  readonly difference: number | null;
  readonly missing: number;
}

export interface FairnessReport {
  readonly fairnessScore: number | null;
  readonly detailedFindings: readonly FairnessFinding[];
  readonly recommendations: readonly string[];
  readonly rows: number;
}
