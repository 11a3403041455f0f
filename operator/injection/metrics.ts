import { Counter, Gauge, type Registry } from 'prom-client';

export interface InjectionMetrics {
  /** New pods, by the answer of the injection webhook. */
  readonly injections: Counter<'outcome' | 'reason'>;
  /** New pods in their final state, by the answer of the validating webhook. */
  readonly validations: Counter<'outcome' | 'reason'>;
  readonly certificateExpiry: Gauge;
}

export function makeInjectionMetrics(registry: Registry): InjectionMetrics {
  const registers = [registry];
  return {
    injections: new Counter({
      name: 'chaperone_injections_total',
      help: 'New pods by the answer of the injection webhook: injected, unchanged, skipped or refused.',
      labelNames: ['outcome', 'reason'],
      registers,
    }),
    validations: new Counter({
      name: 'chaperone_injection_validations_total',
      help: 'New pods in their final state, by the answer of the validating webhook: allowed or refused.',
      labelNames: ['outcome', 'reason'],
      registers,
    }),
    certificateExpiry: new Gauge({
      name: 'chaperone_webhook_certificate_expiry_timestamp_seconds',
      help: 'Expiry time of the serving certificate of the webhooks.',
      registers,
    }),
  };
}
