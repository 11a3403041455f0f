import type { Alert } from './rule.ts';

const ofProxy = '{{ $labels.namespace }}/{{ $labels.pod }} ({{ $labels.organization }})';

/** Metrics, records, configuration and the audit log: whether they arrive. */
export const recordAlerts = {
  ChaperoneOperatorMetricsAbsent: {
    measure: 'absent(chaperone_build_info{component="operator"})',
    for: '10m',
    severity: 'critical',
    summary: 'No operator is scraped',
    description: 'No replica runs, or Prometheus does not reach them. Alerts about the operator cannot fire meanwhile.',
  },
  ChaperoneWorkerMetricsAbsent: {
    measure: 'absent(chaperone_build_info{component="worker"})',
    for: '10m',
    severity: 'warning',
    summary: 'No worker is scraped',
    description: 'No worker runs, or Prometheus does not reach them. Without one, background jobs and webhooks wait.',
  },
  ChaperoneProxyMetricsAbsent: {
    measure:
      'sum by (organization, namespace) (chaperone_sidecars) - (count by (organization, namespace) (chaperone_build_info{component="proxy"}) or 0 * sum by (organization, namespace) (chaperone_sidecars))',
    fires: '> 0',
    for: '15m',
    severity: 'warning',
    summary: '{{ $value }} sidecars in {{ $labels.namespace }} are not scraped',
    description: 'The operator sees these pods of {{ $labels.organization }}, and Prometheus has no metrics of them.',
  },
  ChaperoneUsageWaits: {
    measure: 'chaperone_spool_oldest_age_seconds',
    fires: '> 300',
    for: '5m',
    severity: 'critical',
    summary: `Usage records of ${ofProxy} wait for the database`,
    description: 'They are on the pod’s volume and are lost with the pod. Do not drain nodes or restart workloads.',
  },
  ChaperoneSpoolRefusesCalls: {
    measure:
      'sum by (organization, namespace, workload, code) (increase(chaperone_refused_calls_total{code=~"spool_full|spool_unwritable"}[5m]))',
    fires: '> 0',
    severity: 'critical',
    summary: 'The proxy of {{ $labels.namespace }}/{{ $labels.workload }} refuses calls that it cannot record',
    description: 'Its volume is full or cannot be written ({{ $labels.code }}).',
  },
  ChaperoneRecordsSetAside: {
    measure: 'sum by (organization, namespace, workload, reason) (increase(chaperone_spool_set_aside_total[1h]))',
    fires: '> 0',
    severity: 'warning',
    summary: 'Records of {{ $labels.namespace }}/{{ $labels.workload }} are not in the figures',
    description:
      'They were set aside, so that the others arrive: {{ $labels.reason }} by the database, or unreadable on the volume.',
  },
  ChaperoneConfigurationStale: {
    measure: 'chaperone_snapshot_age_seconds',
    fires: '> 120',
    for: '5m',
    severity: 'critical',
    summary: `The proxy ${ofProxy} gets no changes of the configuration`,
    description: 'It enforces what it knows. Revoked tokens and removed keys are still accepted there.',
  },
  ChaperoneAuditEntriesWait: {
    measure: 'chaperone_audit_waiting',
    fires: '> 0',
    for: '15m',
    severity: 'warning',
    summary: `Entries of ${ofProxy} wait for the audit log`,
    description: 'They are on the pod’s volume, and lost with the pod.',
  },
  ChaperoneAuditBroken: {
    measure: 'max by (organization) (chaperone_audit_broken)',
    fires: '== 1',
    severity: 'critical',
    summary: 'Somebody has changed the audit log of {{ $labels.organization }}',
    description: 'The chain of hashes does not fit. The condition AuditIntact says where.',
  },
  ChaperoneVersionsDiffer: {
    measure: 'count(count by (version) (chaperone_build_info))',
    fires: '> 1',
    for: '7d',
    severity: 'info',
    summary: 'Chaperone runs in {{ $value }} versions',
    description: 'After an upgrade, pods were not restarted.',
  },
} as const satisfies Readonly<Record<string, Alert>>;
