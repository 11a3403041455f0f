// The shape of what `POST /v1/explain` answers.

export interface Decided {
  readonly resource: string;
  readonly field: string | null;
}

export interface Explanation {
  readonly outcome: 'allowed' | 'refused';
  readonly error: { readonly status: number; readonly code: string; readonly message: string } | null;
  readonly decided_by: readonly Decided[];
  readonly operation: string;
  readonly user_id: string | null;
  readonly model: string | null;
  readonly steps: readonly {
    readonly check: string;
    readonly result: 'passed' | 'refused' | 'unknown' | 'not_reached';
    readonly detail: string;
    readonly decided_by: readonly Decided[];
  }[];
  readonly route: readonly {
    readonly binding: string;
    readonly provider: string;
    readonly model: string | null;
    readonly share: number | null;
    readonly state: 'well' | 'open' | 'limited';
    readonly chosen: boolean;
  }[];
  readonly rules: readonly {
    readonly kind: string;
    readonly name: string;
    readonly per: string;
    readonly scope: string | null;
    readonly unit: string;
    readonly limit: number;
    readonly used: number;
    readonly remaining: number;
    readonly needs: number;
    readonly enforced: boolean;
    readonly would_exceed: boolean;
    readonly resets_at: string | null;
  }[];
  readonly guardrails: readonly {
    readonly name: string;
    readonly detector: string;
    readonly applies_to: string;
    readonly action: string;
    readonly finds: boolean | null;
  }[];
  readonly cache: { readonly result: string; readonly because: string | null } | null;
  readonly bounds: {
    readonly input_tokens: number;
    readonly output_tokens: number;
    readonly cost_usd: number | null;
  } | null;
  readonly notes: readonly string[];
}
