import { Counter, Histogram, type Registry } from 'prom-client';

export type WebhookMetrics = ReturnType<typeof makeWebhookMetrics>;

/** Makes the metrics of webhooks. No label has an organization, a name or a URL. */
export function makeWebhookMetrics(registry: Registry) {
  const registers = [registry];
  return {
    attempts: new Counter({
      name: 'chaperone_webhook_attempts_total',
      help: 'Attempts to deliver an event to a webhook, by outcome: delivered, or the code of the failure.',
      labelNames: ['outcome'],
      registers,
    }),
    duration: new Histogram({
      name: 'chaperone_webhook_attempt_seconds',
      help: 'How long an attempt to deliver an event to a webhook took.',
      buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15],
      registers,
    }),
    lag: new Histogram({
      name: 'chaperone_webhook_delivery_lag_seconds',
      help: 'The time from an event until a webhook had it.',
      buckets: [0.1, 0.5, 1, 5, 30, 300, 3600, 21600, 86400],
      registers,
    }),
    dead: new Counter({
      name: 'chaperone_webhook_deliveries_dead_total',
      help: 'Deliveries that were given up.',
      registers,
    }),
    disabled: new Counter({
      name: 'chaperone_webhooks_disabled_total',
      help: 'Webhooks that were disabled since every attempt had failed for days.',
      registers,
    }),
  };
}
