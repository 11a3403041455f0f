// Shapes of `/v1/limits` and `/v1/budgets`.

export interface Rule {
  readonly name: string;
  readonly binding: string | null;
  readonly per: string;
  readonly scope: string | null;
  readonly user_id: string | null;
  readonly enforced: boolean;
  readonly used_percent: number;
  readonly window: string | null;
  readonly starts_at: string | null;
  readonly resets_at: string | null;
}

export interface Limit extends Rule {
  readonly type: 'limit' | 'tier';
  readonly unit: string;
  readonly limit: number;
  readonly used: number;
  readonly reserved: number;
  readonly remaining: number;
}

export interface Budget extends Rule {
  readonly amount_usd: number;
  readonly used_usd: number;
  readonly reserved_usd: number;
  readonly remaining_usd: number;
  readonly warn_at: readonly number[];
  readonly raise: {
    readonly by_usd: number;
    readonly until: string;
    readonly reason: string;
    readonly active: boolean;
  } | null;
}
