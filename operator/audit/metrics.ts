import { Gauge, type Registry } from 'prom-client';

export interface AuditMetrics {
  observe(organization: string, entries: number, isIntact: boolean): void;
  /** Shows what was observed since the last time, at once. */
  publish(): void;
}

export function makeAuditMetrics(registry: Registry): AuditMetrics {
  const labelNames = ['organization'] as const;
  const entries = new Gauge({
    name: 'chaperone_audit_entries',
    help: 'Entries of an organization’s audit log.',
    labelNames,
    registers: [registry],
  });
  const broken = new Gauge({
    name: 'chaperone_audit_broken',
    help: 'Whether an organization’s audit log is not as it was written: 1 or 0.',
    labelNames,
    registers: [registry],
  });
  const observed: [string, number, boolean][] = [];
  return {
    observe: (organization, count, isIntact) => void observed.push([organization, count, isIntact]),
    publish() {
      entries.reset();
      broken.reset();
      for (const [organization, count, isIntact] of observed.splice(0)) {
        entries.set({ organization }, count);
        broken.set({ organization }, isIntact ? 0 : 1);
      }
    },
  };
}
