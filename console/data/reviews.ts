// Shapes of `/api/v1/review`.

export interface ReviewItem {
  readonly item_id: string;
  readonly status: 'queued' | 'in_review' | 'reviewed';
  readonly category: string;
  readonly priority: number;
  readonly source: string;
  readonly query: string;
  readonly response: string;
  readonly queued_by: string | null;
  readonly claimed_by: string | null;
  readonly claimed_until: string | null;
  readonly reviews: number;
  readonly reviews_needed: number;
  readonly approved: boolean | null;
  readonly edited: boolean;
  readonly final_response: string | null;
  /** The guardrail that keeps the answer from its caller until it is released. Null: none. */
  readonly held_by: string | null;
  readonly held_until: string | null;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly comment_count: number;
  readonly created_at: string;
  readonly reviewed_at: string | null;
}

export interface WholeReview extends ReviewItem {
  readonly decisions: readonly {
    readonly reviewer_id: string | null;
    readonly approved: boolean;
    readonly feedback: string | null;
    readonly decided_at: string;
  }[];
  readonly comments: readonly {
    readonly number: number;
    readonly author_id: string | null;
    readonly text: string;
    readonly created_at: string;
  }[];
}

/** The envelope of contract 3. */
export interface Enveloped<Data> {
  readonly data: Data;
}
