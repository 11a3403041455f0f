import type { GroupFigures, RuleFindings } from './report.ts';
import type { Simulation } from './simulate.ts';

/** A simulation, with what was asked. */
export interface NamedSimulation extends Simulation {
  readonly organization: string;
  readonly sinceMs: number;
  readonly untilMs: number;
  readonly user: string | undefined;
  readonly model: string | undefined;
}

/** What is true of every simulation. */
export const caveats = [
  'Calls that were refused at that time have no record, so a rule that is looser now cannot bring them back.',
  'Tokens and dollars count as they were used. A proxy reserves more before a call, so it may refuse somewhat earlier.',
];

type Group = readonly [name: string, figures: GroupFigures];

/** Those with the most refusals first, then those whose cost differs most. */
export function orderGroups(groups: readonly Group[]): Group[] {
  return groups.toSorted(
    ([, one], [, other]) =>
      other.refused - one.refused ||
      Math.abs(other.simulatedUsd - other.recordedUsd) - Math.abs(one.simulatedUsd - one.recordedUsd) ||
      other.calls - one.calls,
  );
}

/** A simulation in the names of the API, whole. */
export type ShownSimulation = ReturnType<typeof showSimulation>;

/** @param most users, and models, that are shown; the others are only in the sums */
export function showSimulation(
  { organization, sinceMs, untilMs, user, model, change, findings, leftOut }: NamedSimulation,
  most = Number.POSITIVE_INFINITY,
) {
  const { total, refusing, reporting, users, models, providers } = findings;
  const shown = (groups: readonly Group[]) => orderGroups(groups).slice(0, most);
  return {
    ...{ organization, since: timeOf(sinceMs), until: timeOf(untilMs), user: user ?? null, model: model ?? null },
    changes: change.fields.map(({ resource, field, before, after }) => ({
      ...{ resource, field, before: before ?? null, after: after ?? null },
    })),
    calls: total.calls,
    analyses: total.analyses,
    refused: {
      ...{ calls: total.refused, also_in_force: total.alsoInForce },
      rules: [...refusing.values()].map((rule) => showRule(rule, most)),
    },
    reported: [...reporting.values()].map((rule) => showRule(rule, most)),
    shortened: total.shortened,
    cost: {
      ...{ recorded_usd: rounded(total.recordedUsd), simulated_usd: rounded(total.simulatedUsd) },
      ...{ unpriced_recorded: total.unpricedRecorded, unpriced_simulated: total.unpricedSimulated },
    },
    by_user: shown(users.entries()).map(([name, figures]) => ({ user: name, ...showFigures(figures) })),
    by_model: shown(models.entries()).map(([name, figures]) => ({ model: name, ...showFigures(figures) })),
    moved: Object.fromEntries(findings.moved.entries().map(([names, { calls }]) => [names, calls])),
    by_provider: providers.entries().map(([provider, figures]) => ({
      provider,
      recorded_calls: figures.recordedCalls,
      simulated_calls: rounded(figures.simulatedCalls),
      recorded_usd: rounded(figures.recordedUsd),
      simulated_usd: rounded(figures.simulatedUsd),
    })),
    left_out: [...leftOut, ...caveats.map((what) => ({ what, calls: null }))],
  };
}

function showRule(rule: RuleFindings, most: number) {
  const { decidedBy, code, name, calls, alsoInForce, recordedUsd, firstAtMs, lastAtMs, firstRequestId } = rule;
  return {
    decided_by: decidedBy.map(({ resource, field }) => ({ resource, field })),
    ...{ code, name, calls, also_in_force: alsoInForce, recorded_usd: rounded(recordedUsd) },
    ...{ first_at: timeOf(firstAtMs), last_at: timeOf(lastAtMs), first_request_id: firstRequestId },
    users: countsOf(rule.users.entries(), most),
    models: countsOf(rule.models.entries(), most),
  };
}

/** Calls by name, the most first. */
function countsOf(tally: readonly (readonly [string, { readonly calls: number }])[], most: number) {
  const ordered = tally.toSorted(([, one], [, other]) => other.calls - one.calls).slice(0, most);
  return Object.fromEntries(ordered.map(([name, { calls }]) => [name, calls]));
}

function showFigures({ calls, refused, recordedUsd, simulatedUsd }: GroupFigures) {
  return { calls, refused, recorded_usd: rounded(recordedUsd), simulated_usd: rounded(simulatedUsd) };
}

function rounded(value: number): number {
  return Number(value.toFixed(9));
}

export function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}
