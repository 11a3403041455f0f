import type { Window } from './recording.ts';
import type { Alert } from './rule.ts';

const ratioOver = (window: Window) => `organization:chaperone_calls_failed:ratio_rate${window}`;

/**
 * That the error budget burns `factor` times as fast as it may, over a long window and still over a short one, with at
 * least ten failures in the long one: one failure of three calls a day must wake nobody. The condition on `ratioOver(long)`.
 *
 * @see https://sre.google/workbook/alerting-on-slos/
 */
function burns(factor: number, long: Window, short: Window, seconds: number): string {
  const limit = `> ${factor} * (1 - scalar(chaperone:objective:ratio))`;
  return `${limit} and ${ratioOver(short)} ${limit} and organization:chaperone_calls_failed:rate${long} * ${seconds} >= 10`;
}

/** Calls that fail, are slow, or are refused. */
export const callAlerts = {
  ChaperoneErrorBudgetBurnsFast: {
    measure: ratioOver('1h'),
    fires: `${burns(14.4, '1h', '5m', 3_600)} or ${ratioOver('6h')} ${burns(6, '6h', '30m', 21_600)}`,
    for: '2m',
    severity: 'critical',
    summary: 'So many calls of {{ $labels.organization }} fail that its error budget of 30 days lasts for days',
    description:
      '{{ $value | humanizePercentage }} of its calls fail through no fault of their caller. The dashboard SRE shows which workload, which provider and which error.',
  },
  ChaperoneErrorBudgetBurnsSlowly: {
    measure: ratioOver('1d'),
    fires: `${burns(3, '1d', '2h', 86_400)} or ${ratioOver('3d')} ${burns(1, '3d', '6h', 259_200)}`,
    for: '15m',
    severity: 'warning',
    summary: 'The error budget of {{ $labels.organization }} will be used up before its 30 days are over',
    description: '{{ $value | humanizePercentage }} of its calls fail through no fault of their caller.',
  },
  ChaperoneProviderFails: {
    measure: 'provider:chaperone_requests_failed:rate5m / provider:chaperone_requests:rate5m',
    fires: '> 0.2 and provider:chaperone_requests_failed:rate5m * 300 >= 5',
    for: '5m',
    severity: 'critical',
    summary: 'The provider {{ $labels.gen_ai_provider_name }} fails for {{ $labels.organization }}',
    description:
      '{{ $value | humanizePercentage }} of the requests to it fail or are refused. Where the Organization has another provider for the models, calls go there.',
  },
  ChaperoneCircuitOpen: {
    measure: 'max by (organization, gen_ai_provider_name, scope, api_key_id) (chaperone_circuit_open)',
    fires: '== 1',
    for: '10m',
    severity: 'warning',
    summary: 'Calls of {{ $labels.organization }} avoid the provider {{ $labels.gen_ai_provider_name }} or a key of it',
    description: 'It has failed in a row for ten minutes ({{ $labels.scope }} {{ $labels.api_key_id }}).',
  },
  ChaperoneLatencyAdded: {
    measure: 'workload:chaperone_overhead_seconds:p95_rate5m',
    fires: '> 0.05',
    for: '10m',
    severity: 'warning',
    summary:
      'The proxy of {{ $labels.namespace }}/{{ $labels.workload }} adds {{ $value | humanizeDuration }} to calls',
    description: 'That is the 95th percentile of the time before a call goes upstream. It is usually below 5 ms.',
  },
  ChaperoneLimitsRefuse: {
    measure:
      'sum by (organization, kind, limit) (rate(chaperone_limited_calls_total{enforced="true"}[5m])) / on (organization) group_left () sum by (organization) (workload:chaperone_calls:rate5m)',
    fires: '> 0.05',
    for: '10m',
    severity: 'warning',
    summary: 'The {{ $labels.kind }} {{ $labels.limit }} of {{ $labels.organization }} refuses calls',
    description: 'For every 100 calls that are made, it refuses {{ $value | humanizePercentage }}.',
  },
  ChaperoneGuardrailFails: {
    measure: 'sum by (organization, rule, detector) (increase(chaperone_guardrail_hits_total{action="Error"}[10m]))',
    fires: '> 0',
    severity: 'warning',
    summary: 'The guardrail {{ $labels.rule }} of {{ $labels.organization }} cannot do its work',
    description:
      'Its detector {{ $labels.detector }} fails. Unless the rule allows it, what it cannot check does not pass.',
  },
  ChaperoneCallsUnpriced: {
    measure: 'sum by (organization, gen_ai_request_model) (increase(chaperone_unpriced_calls_total[1h]))',
    fires: '> 0',
    severity: 'info',
    summary: 'Calls of {{ $labels.organization }} have no known cost',
    description:
      '{{ $value | humanize }} in the last hour, of the model {{ $labels.gen_ai_request_model }}. Budgets cannot count them.',
  },
  ChaperoneBudgetNearlyUsed: {
    measure: 'max by (organization, binding, budget) (chaperone_budget_used_ratio)',
    fires: '> 0.9',
    severity: 'warning',
    summary:
      '{{ $value | humanizePercentage }} of the budget {{ $labels.budget }} of {{ $labels.organization }} is used',
    description:
      'When it is used up, calls get 429 insufficient_quota, unless the budget only warns. Binding: {{ $labels.binding }}',
  },
  ChaperoneBudgetRunsOut: {
    measure: 'max by (organization, binding, budget) (predict_linear(chaperone_budget_used_ratio[6h], 86400))',
    fires: '> 1 and max by (organization, binding, budget) (chaperone_budget_used_ratio) < 1',
    for: '30m',
    severity: 'warning',
    summary: 'The budget {{ $labels.budget }} of {{ $labels.organization }} will be used up within a day',
    description:
      'If it goes on as in the last six hours, and unless its window ends before. Binding: {{ $labels.binding }}',
  },
  ChaperoneLeasesFail: {
    measure: 'sum by (organization, namespace, workload) (rate(chaperone_quota_failures_total[5m]))',
    fires: '> 0',
    for: '10m',
    severity: 'warning',
    summary: 'The proxy of {{ $labels.namespace }}/{{ $labels.workload }} cannot count limits and budgets',
    description: 'It cannot lease from the database what calls may use, so rules go by what is leased already.',
  },
} as const satisfies Readonly<Record<string, Alert>>;
