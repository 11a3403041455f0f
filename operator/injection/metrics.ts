import { Counter, Gauge, type Registry } from 'prom-client';

export interface InjectionMetrics {
  /** Pods that were to be created, by what became of them. */
  readonly injections: Counter<'outcome' | 'reason'>;
  /** Final states of pods that were looked at. */
  readonly validations: Counter<'outcome' | 'reason'>;
  readonly certificateExpiry: Gauge;
}

export function makeInjectionMetrics(registry: Registry): InjectionMetrics {
  const registers = [registry];
  return {
    injections: new Counter({
      name: 'chaperone_injections_total',
      help: 'Pods that were to be created, by what the injection webhook answered: injected, unchanged, skipped or refused.',
      labelNames: ['outcome', 'reason'],
      registers,
    }),
    validations: new Counter({
      name: 'chaperone_injection_validations_total',
      help: 'Final states of pods that were to be created, by what the validating webhook answered: allowed or refused.',
      labelNames: ['outcome', 'reason'],
      registers,
    }),
    certificateExpiry: new Gauge({
      name: 'chaperone_webhook_certificate_expiry_timestamp_seconds',
      help: 'When the certificate that the webhooks are served with expires.',
      registers,
    }),
  };
}
