/** Days in UTC, as ISO dates. Absent: the last 30 days. */
export interface Period {
  readonly startDate?: string | undefined;
  readonly endDate?: string | undefined;
}

export interface SummaryParams extends Period {
  /** How `timelineData` is grouped. Absent: `daily`. */
  readonly granularity?: 'daily' | 'weekly' | 'monthly' | undefined;
}

/** What customers said, in figures. Null: nothing is known of it. */
export interface Summary {
  readonly totalConversations: number;
  /** Shares of the texts. */
  readonly sentimentDistribution: { readonly positive: number; readonly negative: number; readonly neutral: number };
  /** The mean of the ratings, from 1 to 5. */
  readonly averageSatisfaction: number | null;
  /** In seconds. */
  readonly responseTimeAvg: number | null;
  readonly resolutionRate: number | null;
  readonly timelineData: readonly {
    /** The first day of the group. */
    readonly date: string;
    readonly conversations: number;
    /** From 0, all negative, to 1, all positive. */
    readonly avgSentiment: number | null;
  }[];
  readonly topIssues: readonly {
    readonly issue: string;
    readonly count: number;
    readonly sentiment: number | null;
  }[];
}
