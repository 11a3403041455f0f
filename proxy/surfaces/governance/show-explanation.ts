import type { Decider, Explanation, RuleUse } from '../../calls/explain/explanation.ts';

/** An explanation as the API shows it. */
export type ShownExplanation = ReturnType<typeof showExplanation>;

/** An explanation in the names of the API. */
export function showExplanation({
  refusal,
  decidedBy,
  user,
  session,
  steps,
  route: choices,
  rules,
  guardrails,
  cache,
  bounds,
  terms,
  ...rest
}: Explanation) {
  return {
    outcome: refusal ? ('refused' as const) : ('allowed' as const),
    error: refusal
      ? { status: refusal.status, code: refusal.code, message: refusal.message, param: refusal.param }
      : null,
    decided_by: decidedBy.map(show),
    operation: rest.operation,
    user_id: user,
    session_id: session,
    model: rest.model,
    steps: steps.map(({ decidedBy: by, ...step }) => ({ ...step, decided_by: by.map(show) })),
    route: choices.map(({ isChosen: chosen, ...choice }) => ({ ...choice, chosen })),
    rules: rules.map(({ decidedBy: by, unit, isEnforced, wouldExceed, resetMs, ...rule }) => ({
      kind: rule.kind,
      name: rule.name,
      per: rule.per,
      scope: rule.scope,
      ...amountsIn(unit, rule),
      decided_by: show(by),
      enforced: isEnforced,
      would_exceed: wouldExceed,
      resets_at: resetMs === null ? null : new Date(resetMs).toISOString(),
    })),
    guardrails: guardrails.map(({ decidedBy: by, appliesTo, ...guardrail }) => ({
      ...guardrail,
      decided_by: show(by),
      applies_to: appliesTo,
    })),
    cache: cache ? showCache(cache) : null,
    bounds: bounds
      ? {
          input_tokens: bounds.inputTokens,
          output_tokens: bounds.outputTokens,
          cost_usd: bounds.nanoUsd === null ? null : bounds.nanoUsd / 1e9,
        }
      : null,
    timeouts: terms
      ? { connect_ms: terms.connectMs, headers_ms: terms.headersMs, idle_ms: terms.idleMs, total_ms: terms.totalMs }
      : null,
    retries: terms ? { attempts: terms.attempts, within_ms: terms.withinMs, repeats: terms.repeats } : null,
    notes: [...rest.notes],
  };
}

function showCache(look: NonNullable<Explanation['cache']>) {
  return {
    result: look.result,
    age_seconds: look.result === 'hit' ? Math.floor(look.ageMs / 1_000) : null,
    because: look.result === 'bypass' ? look.because : null,
  };
}

function amountsIn(
  unit: string,
  { limit, used, reserved, remaining, needs }: Pick<RuleUse, 'limit' | 'used' | 'reserved' | 'remaining' | 'needs'>,
) {
  const factor = unit === 'nano_usd' ? 1e9 : 1;
  return {
    unit: unit === 'nano_usd' ? 'usd' : unit,
    limit: limit / factor,
    used: used / factor,
    reserved: reserved / factor,
    remaining: remaining / factor,
    needs: needs / factor,
  };
}

function show({ resource, field }: Decider) {
  return { resource, field };
}
