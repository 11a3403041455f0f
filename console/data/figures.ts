// Shapes of `/v1/analytics`, as far as the console shows them.

export interface Figures {
  readonly request_count: number;
  readonly failure_count: number;
  readonly success_rate: number;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly total_tokens: number;
  readonly total_cost: number;
  readonly unpriced_count: number;
  /** Seconds. */
  readonly avg_response_time: number;
  readonly cache: { readonly hits: number; readonly misses: number; readonly avoided_cost: number };
}

export interface Point extends Figures {
  readonly start: string;
  readonly p50_response_time: number | null;
  readonly p95_response_time: number | null;
}

export interface Timeline {
  readonly interval: 'hour' | 'day';
  readonly points: readonly Point[];
}

export interface ModelFigures extends Figures {
  readonly model: string | null;
}

export interface UserFigures extends Figures {
  readonly user_id: string | null;
  readonly last_request_at: string;
}

/** The sums of some points. */
export interface Sums {
  readonly calls: number;
  readonly failures: number;
  readonly cost: number;
  readonly unpriced: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  /** On average. Null: there were no calls. */
  readonly responseS: number | null;
  readonly hits: number;
  readonly lookUps: number;
}

export function sum(points: readonly Figures[]): Sums {
  const of = (pick: (point: Figures) => number) => points.reduce((all, point) => all + pick(point), 0);
  const calls = of((point) => point.request_count);
  return {
    calls,
    failures: of((point) => point.failure_count),
    cost: of((point) => point.total_cost),
    unpriced: of((point) => point.unpriced_count),
    inputTokens: of((point) => point.input_tokens),
    outputTokens: of((point) => point.output_tokens),
    responseS: calls === 0 ? null : of((point) => point.avg_response_time * point.request_count) / calls,
    hits: of((point) => point.cache.hits),
    lookUps: of((point) => point.cache.hits + point.cache.misses),
  };
}
