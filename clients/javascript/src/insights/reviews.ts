export interface ResponseParams {
  readonly query: string;
  /** Whose words they are. */
  readonly customerId?: string | undefined;
  /** What you know of the customer. The model is told. Names stay as they are. */
  readonly context?: Readonly<Record<string, unknown>> | undefined;
  readonly model?: string | undefined;
}

/** The draft of an answer to a customer. */
export interface DraftedResponse {
  readonly response: string;
  readonly category: string;
  readonly requiresHumanReview: boolean;
  /** From 0 to 1. */
  readonly confidence: number;
  readonly alternativeResponses: readonly string[];
  /** Ids of articles. */
  readonly sources: readonly string[];
  readonly reviewReasons: readonly ('low_confidence' | 'category' | 'guardrail')[];
  /** In the review queue. Absent: it is not queued. */
  readonly itemId?: string;
  readonly estimatedReviewTime?: string;
}

export interface ReviewParams {
  readonly query: string;
  readonly response: string;
  readonly category: string;
  /** From 1, the most urgent, to 5. */
  readonly priority?: number | undefined;
  /** `customer_id` says whose words they are. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Whether two reviewers must agree. Absent: as the organization says. */
  readonly doubleReview?: boolean | undefined;
}

export interface QueuedReview {
  readonly itemId: string;
  readonly status: 'queued';
  readonly estimatedReviewTime: string;
}

export interface DecisionParams {
  readonly itemId: string;
  readonly approved: boolean;
  readonly feedback?: string | undefined;
  readonly edits?: { readonly modifiedResponse?: string | undefined } | undefined;
}

export interface ReviewDecision {
  readonly itemId: string;
  /** `queued`: another reviewer must decide, too. */
  readonly status: 'queued' | 'reviewed';
  readonly reviewTime: string;
  readonly reviewerId: string;
  /** What the reviewers have come to; null: another one must decide. */
  readonly approved: boolean | null;
}
