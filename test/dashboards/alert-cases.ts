import type { AlertName } from '../../dashboards/rules/alerts.ts';

/** Series in the notation of promtool, by their selector. */
type Series = Readonly<Record<string, string>>;

/** When an alert fires, and when it does not. */
export interface AlertCase {
  readonly fires: Series;
  /** When it has fired, by the time of the series. */
  readonly at: string;
  /** Labels of the alert beside its severity. */
  readonly labels?: Readonly<Record<string, string>>;
  /** The measure as its texts show it. */
  readonly value?: string;
  readonly quiet: readonly Series[];
  /** The time between two samples; absent: a minute. */
  readonly interval?: string;
  /** The time between two evaluations; absent: a minute. */
  readonly every?: string;
}

const acme = { organization: 'acme' };
const workload = { ...acme, namespace: 'shop', workload: 'assistant' };
const pod = { ...acme, namespace: 'shop', pod: 'assistant-0' };
const text = (labels: Readonly<Record<string, string>>) =>
  `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(',')}}`;
const ended = (errorType: string) =>
  `gen_ai_client_operation_duration_seconds_count${text({ ...workload, error_type: errorType })}`;
const provider = { ...acme, gen_ai_provider_name: 'openai' };
const answered = (errorType: string) =>
  `gen_ai_server_request_duration_seconds_count${text({ ...provider, error_type: errorType })}`;
const ofOperator = { job: 'chaperone-metrics', instance: '10.0.0.1:8080' };
const operator = `chaperone_build_info${text({ component: 'operator', ...ofOperator })}`;
const proxy = (name: string) =>
  `chaperone_build_info${text({ component: 'proxy', ...acme, namespace: 'shop', pod: name })}`;
const overhead = (le: string) => `chaperone_overhead_seconds_bucket${text({ ...workload, le })}`;
const effect = (le: string) => `chaperone_reconcile_to_effect_seconds_bucket${text({ controller: 'Persona', le })}`;
const budget = { ...acme, budget: 'month' };
const week = { at: '8d', interval: '5m', every: '6h' };

export const alertCases: Readonly<Record<AlertName, AlertCase>> = {
  ChaperoneErrorBudgetBurnsFast: {
    ...{ at: '70m', every: '5m', labels: acme, value: '9.091%' },
    fires: { [ended('')]: '0+60x120', [ended('500')]: '0+6x120' },
    quiet: [
      { [ended('')]: '0+60x120', [ended('500')]: '0+0.2x120' },
      // The callers' own fault.
      { [ended('')]: '0+60x120', [ended('400')]: '0+60x120', [ended('cancelled')]: '0+60x120' },
      // A third of too few calls.
      { [ended('')]: '0+0.1x120', [ended('500')]: '0+0.05x120' },
    ],
  },
  ChaperoneErrorBudgetBurnsSlowly: {
    ...{ at: '26h', interval: '2m', every: '1h', labels: acme, value: '1.961%' },
    fires: { [ended('')]: '0+120x800', [ended('upstream_timeout')]: '0+2.4x800' },
    quiet: [{ [ended('')]: '0+120x800', [ended('upstream_timeout')]: '0+0.1x800' }],
  },
  ChaperoneProviderFails: {
    ...{ at: '15m', labels: provider, value: '50%' },
    fires: { [answered('')]: '0+10x30', [answered('503')]: '0+10x30' },
    quiet: [
      { [answered('')]: '0+10x30', [answered('503')]: '0+0.5x30' },
      { [answered('')]: '0+0.1x30', [answered('503')]: '0+0.1x30' },
    ],
  },
  ChaperoneCircuitOpen: {
    ...{ at: '15m', labels: { ...provider, scope: 'key', api_key_id: 'k1' } },
    fires: { [`chaperone_circuit_open${text({ ...provider, scope: 'key', api_key_id: 'k1' })}`]: '1x20' },
    quiet: [{ [`chaperone_circuit_open${text({ ...provider, scope: 'key', api_key_id: 'k1' })}`]: '1x3 0x3 1x20' }],
  },
  ChaperoneLatencyAdded: {
    ...{ at: '20m', labels: workload, value: '240ms' },
    fires: { [overhead('0.05')]: '0x30', [overhead('0.25')]: '0+10x30', [overhead('+Inf')]: '0+10x30' },
    quiet: [{ [overhead('0.05')]: '0+10x30', [overhead('0.25')]: '0+10x30', [overhead('+Inf')]: '0+10x30' }],
  },
  ChaperoneLimitsRefuse: {
    ...{ at: '20m', labels: { ...acme, kind: 'limit', limit: 'tight' }, value: '11.11%' },
    fires: {
      [`chaperone_limited_calls_total${text({ ...acme, kind: 'limit', limit: 'tight', enforced: 'true' })}`]: '0+10x30',
      [ended('')]: '0+90x30',
    },
    quiet: [
      {
        [`chaperone_limited_calls_total${text({ ...acme, kind: 'limit', limit: 'tight', enforced: 'true' })}`]:
          '0+1x30',
        [ended('')]: '0+90x30',
      },
      {
        [`chaperone_limited_calls_total${text({ ...acme, kind: 'limit', limit: 'tight', enforced: 'false' })}`]:
          '0+10x30',
        [ended('')]: '0+90x30',
      },
    ],
  },
  ChaperoneGuardrailFails: {
    ...{ at: '15m', labels: { ...acme, rule: 'check', detector: 'external' } },
    fires: {
      [`chaperone_guardrail_hits_total${text({ ...acme, rule: 'check', detector: 'external', action: 'Error' })}`]:
        '0+1x30',
    },
    quiet: [
      {
        [`chaperone_guardrail_hits_total${text({ ...acme, rule: 'check', detector: 'external', action: 'Error' })}`]:
          '3x30',
        [`chaperone_guardrail_hits_total${text({ ...acme, rule: 'check', detector: 'external', action: 'Block' })}`]:
          '0+1x30',
      },
    ],
  },
  ChaperoneCallsUnpriced: {
    ...{ at: '80m', labels: { ...acme, gen_ai_request_model: 'new' }, value: '60' },
    fires: { [`chaperone_unpriced_calls_total${text({ ...acme, gen_ai_request_model: 'new' })}`]: '0+1x90' },
    quiet: [{ [`chaperone_unpriced_calls_total${text({ ...acme, gen_ai_request_model: 'new' })}`]: '5x90' }],
  },
  ChaperoneBudgetNearlyUsed: {
    ...{ at: '5m', labels: budget, value: '95%' },
    fires: { [`chaperone_budget_used_ratio${text(budget)}`]: '0.95x10' },
    quiet: [{ [`chaperone_budget_used_ratio${text(budget)}`]: '0.5x10' }],
  },
  ChaperoneBudgetRunsOut: {
    ...{ at: '400m', every: '10m', labels: budget },
    fires: { [`chaperone_budget_used_ratio${text(budget)}`]: '0.1+0.001x420' },
    quiet: [
      { [`chaperone_budget_used_ratio${text(budget)}`]: '0.1+0.0001x420' },
      // It is used up already.
      { [`chaperone_budget_used_ratio${text(budget)}`]: '1+0.001x420' },
    ],
  },
  ChaperoneLeasesFail: {
    ...{ at: '20m', labels: workload },
    fires: { [`chaperone_quota_failures_total${text(workload)}`]: '0+1x30' },
    quiet: [{ [`chaperone_quota_failures_total${text(workload)}`]: '4x30' }],
  },
  ChaperoneOperatorMetricsAbsent: {
    ...{ at: '15m', labels: { component: 'operator' } },
    fires: { [proxy('one')]: '1x30' },
    quiet: [{ [operator]: '1x30' }],
  },
  ChaperoneWorkerMetricsAbsent: {
    ...{ at: '15m', labels: { component: 'worker' } },
    fires: { [proxy('one')]: '1x30' },
    quiet: [{ 'chaperone_build_info{component="worker"}': '1x30' }],
  },
  ChaperoneProxyMetricsAbsent: {
    ...{ at: '20m', labels: { ...acme, namespace: 'shop' }, value: '2' },
    fires: {
      [`chaperone_sidecars${text({ ...acme, namespace: 'shop', state: 'current' })}`]: '3x30',
      [proxy('one')]: '1x30',
    },
    quiet: [
      {
        [`chaperone_sidecars${text({ ...acme, namespace: 'shop', state: 'current' })}`]: '1x30',
        [`chaperone_sidecars${text({ ...acme, namespace: 'shop', state: 'outdated' })}`]: '1x30',
        ...{ [proxy('one')]: '1x30', [proxy('two')]: '1x30' },
      },
    ],
  },
  ChaperoneUsageWaits: {
    ...{ at: '20m', labels: pod },
    fires: { [`chaperone_spool_oldest_age_seconds${text(pod)}`]: '0+60x30' },
    quiet: [{ [`chaperone_spool_oldest_age_seconds${text(pod)}`]: '2x30' }],
  },
  ChaperoneSpoolRefusesCalls: {
    ...{ at: '10m', labels: { ...workload, code: 'spool_full' } },
    fires: { [`chaperone_refused_calls_total${text({ ...workload, code: 'spool_full' })}`]: '0+1x20' },
    quiet: [
      {
        [`chaperone_refused_calls_total${text({ ...workload, code: 'spool_full' })}`]: '3x20',
        [`chaperone_refused_calls_total${text({ ...workload, code: 'limit_reached' })}`]: '0+1x20',
      },
    ],
  },
  ChaperoneRecordsSetAside: {
    ...{ at: '10m', labels: { ...workload, reason: 'refused' } },
    fires: { [`chaperone_spool_set_aside_total${text({ ...workload, reason: 'refused' })}`]: '0x5 1x20' },
    quiet: [{ [`chaperone_spool_set_aside_total${text({ ...workload, reason: 'refused' })}`]: '3x20' }],
  },
  ChaperoneConfigurationStale: {
    ...{ at: '15m', labels: pod },
    fires: { [`chaperone_snapshot_age_seconds${text(pod)}`]: '0+60x20' },
    quiet: [{ [`chaperone_snapshot_age_seconds${text(pod)}`]: '3x20' }],
  },
  ChaperoneAuditEntriesWait: {
    ...{ at: '20m', labels: pod },
    fires: { [`chaperone_audit_waiting${text(pod)}`]: '3x30' },
    quiet: [{ [`chaperone_audit_waiting${text(pod)}`]: `${'0 3 '.repeat(15)}` }],
  },
  ChaperoneAuditBroken: {
    ...{ at: '3m', labels: acme },
    fires: { [`chaperone_audit_broken${text(acme)}`]: '1x5' },
    quiet: [{ [`chaperone_audit_broken${text(acme)}`]: '0x5' }],
  },
  ChaperoneVersionsDiffer: {
    ...{ ...week, value: '2' },
    fires: { 'chaperone_build_info{version="1"}': '1x2400', 'chaperone_build_info{version="2"}': '1x2400' },
    quiet: [
      { 'chaperone_build_info{version="1",pod="a"}': '1x2400', 'chaperone_build_info{version="1",pod="b"}': '1x2400' },
    ],
  },
  ChaperoneDatabaseAway: {
    at: '5m',
    fires: { chaperone_database_reachable: '0x10' },
    quiet: [{ chaperone_database_reachable: '1x10' }],
  },
  ChaperoneWithoutLeader: {
    at: '5m',
    fires: { 'leader_election_master_status{name="chaperone-operator",pod="a"}': '0x10' },
    quiet: [
      {
        'leader_election_master_status{name="chaperone-operator",pod="a"}': '0x10',
        'leader_election_master_status{name="chaperone-operator",pod="b"}': '1x10',
      },
    ],
  },
  ChaperoneReconcileFails: {
    ...{ at: '25m', labels: { controller: 'Persona' } },
    fires: {
      [`controller_runtime_reconcile_errors_total${text({ controller: 'Persona', ...ofOperator })}`]: '0+1x30',
      [operator]: '1x30',
    },
    quiet: [
      {
        [`controller_runtime_reconcile_errors_total${text({ controller: 'Persona', ...ofOperator })}`]: '3x30',
        [operator]: '1x30',
      },
      // Another program's.
      {
        [`controller_runtime_reconcile_errors_total${text({ controller: 'Persona', job: 'other' })}`]: '0+1x30',
        [operator]: '1x30',
      },
    ],
  },
  ChaperoneEditsTakeLong: {
    ...{ at: '30m', labels: { controller: 'Persona' }, value: '59.7s' },
    fires: { [effect('30')]: '0x40', [effect('60')]: '0+1x40', [effect('+Inf')]: '0+1x40' },
    quiet: [{ [effect('30')]: '0+1x40', [effect('60')]: '0+1x40', [effect('+Inf')]: '0+1x40' }],
  },
  ChaperoneWatchStale: {
    ...{ at: '20m', labels: { name: 'Persona' }, value: '20m 0s' },
    fires: {
      [`reflector_staleness_seconds${text({ name: 'Persona', ...ofOperator })}`]: '0+60x30',
      [operator]: '1x30',
    },
    quiet: [
      { [`reflector_staleness_seconds${text({ name: 'Persona', ...ofOperator })}`]: '30x30', [operator]: '1x30' },
    ],
  },
  ChaperoneResourceNotReady: {
    ...{ at: '15m', labels: { kind: 'Persona', namespace: 'web', name: 'support', condition: 'False' } },
    fires: { 'chaperone_resource_ready{kind="Persona",namespace="web",name="support",condition="False"}': '1x20' },
    quiet: [
      {
        'chaperone_resource_ready{kind="Persona",namespace="web",name="support",condition="False"}': '0x20',
        'chaperone_resource_ready{kind="Persona",namespace="web",name="support",condition="True"}': '1x20',
      },
    ],
  },
  ChaperonePodsRefused: {
    ...{ at: '10m', labels: { reason: 'NoOrganization' } },
    fires: {
      'chaperone_injections_total{outcome="refused",reason="NoOrganization"}': '5x20',
      'chaperone_injection_validations_total{outcome="refused",reason="NoOrganization"}': '0+1x20',
    },
    quiet: [
      {
        'chaperone_injections_total{outcome="refused",reason="NoOrganization"}': '5x20',
        'chaperone_injections_total{outcome="injected",reason=""}': '0+1x20',
      },
    ],
  },
  ChaperoneCertificateExpires: {
    ...{ at: '2m', value: '5d 18h 51m 20s' },
    fires: { chaperone_webhook_certificate_expiry_timestamp_seconds: '500000x5' },
    quiet: [{ chaperone_webhook_certificate_expiry_timestamp_seconds: '3000000x5' }],
  },
  ChaperoneSidecarsOutdated: {
    ...{ ...week, labels: { ...acme, namespace: 'shop' }, value: '2' },
    fires: { [`chaperone_sidecars${text({ ...acme, namespace: 'shop', state: 'outdated' })}`]: '2x2400' },
    quiet: [{ [`chaperone_sidecars${text({ ...acme, namespace: 'shop', state: 'outdated' })}`]: '2x200 0x2200' }],
  },
  ChaperoneJobsWait: {
    ...{ at: '35m', labels: { task: 'deliver-webhook' }, value: '35m 0s' },
    fires: { 'chaperone_jobs_oldest_seconds{task="deliver-webhook"}': '0+60x40' },
    quiet: [{ 'chaperone_jobs_oldest_seconds{task="deliver-webhook"}': '10x40' }],
  },
  ChaperoneDeadLetters: {
    ...{ at: '10m', labels: { task: 'deliver-webhook' }, value: '2' },
    fires: {
      'chaperone_jobs{task="deliver-webhook",state="dead",pod="a"}': '2x20',
      'chaperone_jobs{task="deliver-webhook",state="dead",pod="b"}': '2x20',
    },
    quiet: [
      {
        'chaperone_jobs{task="deliver-webhook",state="dead"}': '0x20',
        'chaperone_jobs{task="deliver-webhook",state="waiting"}': '9x20',
      },
    ],
  },
  ChaperoneDeliveriesDead: {
    ...{ at: '65m', value: '60' },
    fires: { chaperone_webhook_deliveries_dead_total: '0+1x70' },
    quiet: [{ chaperone_webhook_deliveries_dead_total: '4x70' }],
  },
  ChaperoneWebhookDisabled: {
    at: '10m',
    fires: { chaperone_webhooks_disabled_total: '0 0 0 1x60' },
    quiet: [{ chaperone_webhooks_disabled_total: '1x70' }],
  },
};
