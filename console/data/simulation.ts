// The shape of what `POST /v1/simulate` answers.

import type { Decided } from './explanation.ts';

export interface SimulatedRule {
  readonly decided_by: readonly Decided[];
  readonly code: string | null;
  readonly name: string | null;
  readonly calls: number;
  readonly also_in_force: number;
  readonly recorded_usd: number;
  readonly first_at: string;
  readonly last_at: string;
  readonly first_request_id: string;
  readonly users: Readonly<Record<string, number>>;
  readonly models: Readonly<Record<string, number>>;
}

export interface SimulatedFigures {
  readonly calls: number;
  readonly refused: number;
  readonly recorded_usd: number;
  readonly simulated_usd: number;
}

export interface Simulation {
  readonly since: string;
  readonly until: string;
  readonly changes: readonly {
    readonly resource: string;
    readonly field: string;
    readonly before: unknown;
    readonly after: unknown;
  }[];
  readonly calls: number;
  readonly refused: {
    readonly calls: number;
    readonly also_in_force: number;
    readonly rules: readonly SimulatedRule[];
  };
  readonly reported: readonly SimulatedRule[];
  readonly shortened: number;
  readonly cost: {
    readonly recorded_usd: number;
    readonly simulated_usd: number;
    readonly unpriced_recorded: number;
    readonly unpriced_simulated: number;
  };
  readonly by_user: readonly (SimulatedFigures & { readonly user: string })[];
  readonly by_model: readonly (SimulatedFigures & { readonly model: string })[];
  readonly moved: Readonly<Record<string, number>>;
  readonly by_provider: readonly {
    readonly provider: string;
    readonly recorded_calls: number;
    readonly simulated_calls: number;
    readonly recorded_usd: number;
    readonly simulated_usd: number;
  }[];
  readonly left_out: readonly { readonly what: string; readonly calls: number | null }[];
}
