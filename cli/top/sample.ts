import type { LiveRow } from '../../database/analytics/live.ts';

/** The figures of a group, as rates. */
export interface Figures {
  readonly name: string;
  readonly calls: number;
  readonly callsPerS: number;
  readonly failedRatio: number;
  readonly tokensPerS: number;
  readonly costUsd: number;
  readonly usdPerHour: number;
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
}

/** What has happened in the last seconds. */
export interface Sample {
  /** ISO 8601. */
  readonly at: string;
  readonly windowS: number;
  readonly total: Figures;
  /** The ones with most calls first. */
  readonly organizations: readonly Figures[];
  readonly workloads: readonly Figures[];
  readonly models: readonly Figures[];
}

export const groupings = ['organizations', 'workloads', 'models'] as const;
export type Grouping = (typeof groupings)[number];

export function toSample(rows: readonly LiveRow[], windowS: number, at: Date): Sample {
  const of = (by: LiveRow['by']) => rows.filter((row) => row.by === by).map((row) => toFigures(row, windowS));
  return {
    at: at.toISOString(),
    windowS,
    total: of('total')[0] ?? none,
    organizations: of('organization'),
    workloads: of('workload'),
    models: of('model'),
  };
}

function toFigures(row: LiveRow, windowS: number): Figures {
  const { name, calls, failed, costUsd, p50Ms, p95Ms } = row;
  return {
    name,
    calls,
    callsPerS: calls / windowS,
    failedRatio: calls === 0 ? 0 : failed / calls,
    tokensPerS: (row.inputTokens + row.outputTokens) / windowS,
    costUsd,
    usdPerHour: (costUsd * 3_600) / windowS,
    p50Ms,
    p95Ms,
  };
}

const none: Figures = {
  ...{ name: '', calls: 0, callsPerS: 0, failedRatio: 0, tokensPerS: 0, costUsd: 0, usdPerHour: 0 },
  ...{ p50Ms: null, p95Ms: null },
};
