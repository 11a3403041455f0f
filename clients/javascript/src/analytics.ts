export interface AnalyticsParams {
  /** ISO 8601; the whole day in UTC counts. */
  readonly startDate: string;
  readonly endDate: string;
  /** Names of the API, such as `conversations` or `resolution_rate`. All if absent. */
  readonly metrics?: readonly string[] | undefined;
  readonly groupBy?: 'day' | 'week' | 'month' | undefined;
}

/** Those that `metrics` asks for. */
export interface Figures {
  readonly totalConversations?: number;
  /** Resolved, and never handed over. */
  readonly aiResolved?: number;
  readonly escalated?: number;
  readonly resolutionRate?: number | null;
  /** Seconds from a message to its answer. */
  readonly avgResponseTime?: number | null;
  readonly customerSatisfaction?: number | null;
}

export interface FiguresOfGroup extends Omit<Figures, 'totalConversations'> {
  /** The first day of the group. */
  readonly date: string;
  readonly conversations?: number;
}

export interface Analytics {
  readonly period: { readonly start: string; readonly end: string };
  readonly metrics: Figures;
  readonly dailyBreakdown?: readonly FiguresOfGroup[];
  readonly weeklyBreakdown?: readonly FiguresOfGroup[];
  readonly monthlyBreakdown?: readonly FiguresOfGroup[];
}
