import type { Alert } from './rule.ts';

/** Background jobs and webhooks. */
export const workerAlerts = {
  ChaperoneJobsWait: {
    measure: 'max by (task) (chaperone_jobs_oldest_seconds)',
    fires: '> 900',
    for: '10m',
    severity: 'warning',
    summary: 'Jobs of the task {{ $labels.task }} wait for {{ $value | humanizeDuration }}',
    description: 'Workers are too few, stuck, or wait for a provider.',
  },
  ChaperoneDeadLetters: {
    measure: 'max by (task) (chaperone_jobs{state="dead"})',
    fires: '> 0',
    for: '5m',
    severity: 'warning',
    summary: '{{ $value }} jobs of the task {{ $labels.task }} have no attempt left',
    description: 'chaperone get jobs --failed says why; chaperone jobs retry tries one again.',
  },
  ChaperoneDeliveriesDead: {
    measure: 'sum(increase(chaperone_webhook_deliveries_dead_total[1h]))',
    fires: '> 0',
    severity: 'warning',
    summary: '{{ $value | humanize }} events were not delivered to their webhook',
    description: 'Every attempt of a day has failed. chaperone get webhooks says which webhook, and why.',
  },
  ChaperoneWebhookDisabled: {
    measure: 'sum(increase(chaperone_webhooks_disabled_total[1h]))',
    fires: '> 0',
    severity: 'warning',
    summary: 'A webhook was disabled',
    description: 'Every attempt had failed for three days. chaperone get webhooks names it.',
  },
} as const satisfies Readonly<Record<string, Alert>>;
