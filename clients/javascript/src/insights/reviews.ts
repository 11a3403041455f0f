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

export type ReviewStatus = 'queued' | 'in_review' | 'reviewed';

/** An answer in the queue. */
export interface ReviewItem {
  readonly itemId: string;
  /** `in_review`: a reviewer has claimed it. */
  readonly status: ReviewStatus;
  readonly category: string;
  readonly priority: number;
  /** What has queued it. */
  readonly source: 'api' | 'generation' | 'guardrail';
  readonly query: string;
  readonly response: string;
  /** As it was queued. Names stay as they are. */
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Null: the user was erased. */
  readonly queuedBy: string | null;
  readonly claimedBy: string | null;
  readonly claimedUntil: string | null;
  /** How many reviewers have decided, and how many must agree. */
  readonly reviews: number;
  readonly reviewsNeeded: number;
  /** Null: it is not decided. */
  readonly approved: boolean | null;
  readonly edited: boolean;
  /** What the customer may get. Null: it is not approved, or not yet. */
  readonly finalResponse: string | null;
  readonly commentCount: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly reviewedAt: string | null;
}

export interface ReviewComment {
  readonly number: number;
  readonly authorId: string | null;
  readonly text: string;
  readonly createdAt: string;
}

/** What a reviewer has decided. */
export interface GivenDecision {
  readonly reviewerId: string | null;
  readonly approved: boolean;
  readonly feedback: string | null;
  readonly edits: {
    readonly modifiedResponse: string;
    /** What was changed, by words. */
    readonly diff: readonly { readonly op: 'equal' | 'insert' | 'delete'; readonly text: string }[];
  } | null;
  readonly decidedAt: string;
}

export interface WholeReviewItem extends ReviewItem {
  /** For staff. Those of others are hidden until the item is decided, but from admins. */
  readonly decisions: readonly GivenDecision[];
  /** For staff. */
  readonly comments: readonly ReviewComment[];
}

export interface ReviewFilter {
  readonly status?: ReviewStatus | undefined;
  readonly category?: string | undefined;
  readonly priority?: number | undefined;
  readonly claimedBy?: string | undefined;
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
}

export interface ReviewPage {
  readonly items: readonly ReviewItem[];
  readonly total: number;
  readonly limit: number;
  readonly offset: number;
}

export interface ReviewChange {
  readonly priority?: number | undefined;
  readonly category?: string | undefined;
}

/** How far two reviewers agree. Null: nothing can be said. */
export interface ReviewerPair {
  readonly reviewers: readonly (string | null)[];
  readonly items: number;
  readonly bothApprove: number;
  readonly bothReject: number;
  readonly onlyFirstApproves: number;
  readonly onlySecondApproves: number;
  readonly observedAgreement: number;
  readonly expectedAgreement: number;
  /** Cohen's. */
  readonly kappa: number | null;
  readonly confidenceInterval: readonly [from: number, to: number] | null;
}

export interface ReviewAgreement {
  readonly startDate: string;
  readonly endDate: string;
  readonly items: number;
  readonly observedAgreement: number | null;
  readonly krippendorffAlpha: number | null;
  readonly pairs: readonly ReviewerPair[];
}
