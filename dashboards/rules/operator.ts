import type { Alert } from './rule.ts';

/** Other programs have metrics of these names, too. */
const ofOperators = 'and on (job, instance) chaperone_build_info{component="operator"}';

/** Pods that a webhook refused lately. Without a label of its own, the same reason of the other webhook would be lost. */
function refusedBy(metric: string): string {
  return `label_replace(increase(${metric}{outcome="refused"}[15m]), "webhook", "${metric}", "", "")`;
}

/** The operator: whether edits take effect, and pods get their sidecars. */
export const operatorAlerts = {
  ChaperoneDatabaseAway: {
    measure: 'max(chaperone_database_reachable)',
    fires: '== 0',
    for: '2m',
    severity: 'critical',
    summary: 'The operator cannot use PostgreSQL',
    description: 'Calls go on; edits take no effect, and usage records wait on the pods’ volumes.',
  },
  ChaperoneWithoutLeader: {
    measure: 'absent(leader_election_master_status{name="chaperone-operator"} == 1)',
    for: '2m',
    severity: 'critical',
    summary: 'No operator leads',
    description: 'Calls go on; edits take no effect, and certificates are not renewed.',
  },
  ChaperoneReconcileFails: {
    measure: `sum by (controller) (rate(controller_runtime_reconcile_errors_total[5m]) ${ofOperators})`,
    fires: '> 0',
    for: '15m',
    severity: 'warning',
    summary: 'Reconciliations of {{ $labels.controller }} fail again and again',
    description: 'What was stored before stays in force. The operator’s log names the objects.',
  },
  ChaperoneEditsTakeLong: {
    measure:
      'histogram_quantile(0.99, sum by (le, controller) (rate(chaperone_reconcile_to_effect_seconds_bucket[10m])))',
    fires: '> 30',
    for: '15m',
    severity: 'warning',
    summary: 'Edits of {{ $labels.controller }} take {{ $value | humanizeDuration }} to take effect',
    description: 'Usually they take less than a second.',
  },
  ChaperoneWatchStale: {
    measure: `max by (name) (reflector_staleness_seconds ${ofOperators})`,
    fires: '> 600',
    for: '5m',
    severity: 'warning',
    summary: 'The operator has not heard of {{ $labels.name }} for {{ $value | humanizeDuration }}',
    description: 'The API server does not answer it, or the watch is stuck. Edits take no effect.',
  },
  ChaperoneResourceNotReady: {
    measure: 'max by (kind, namespace, name, condition) (chaperone_resource_ready{condition!="True"})',
    fires: '== 1',
    for: '10m',
    severity: 'warning',
    summary: 'The {{ $labels.kind }} {{ $labels.namespace }}/{{ $labels.name }} is not ready',
    description: 'kubectl describe says why. Its last valid state stays in force.',
  },
  ChaperonePodsRefused: {
    measure: `sum by (reason) (${refusedBy('chaperone_injections_total')} or ${refusedBy('chaperone_injection_validations_total')})`,
    fires: '> 0',
    severity: 'warning',
    summary: 'Pods are refused: {{ $labels.reason }}',
    description: 'Pods that asked for a sidecar are missing. Events of their owners and chaperone check name them.',
  },
  ChaperoneCertificateExpires: {
    measure: 'min(chaperone_webhook_certificate_expiry_timestamp_seconds) - time()',
    fires: '< 7 * 86400',
    severity: 'critical',
    summary: 'The webhooks’ certificate expires in {{ $value | humanizeDuration }}',
    description: 'From then on, no pod that asks for a sidecar can start (unless failurePolicy is Ignore).',
  },
  ChaperoneSidecarsOutdated: {
    measure: 'sum by (organization, namespace) (chaperone_sidecars{state="outdated"})',
    fires: '> 0',
    for: '7d',
    severity: 'info',
    summary: '{{ $value }} pods in {{ $labels.namespace }} have an outdated sidecar',
    description: 'Restart their workloads, or set spec.sidecars.rollout: Roll in {{ $labels.organization }}.',
  },
} as const satisfies Readonly<Record<string, Alert>>;
