import { Counter, Gauge, type Registry } from 'prom-client';
import type { ApiKeyBinding, Organization } from '../../crds/resources.generated.ts';
import { fullestOf, type RuleFigure } from '../../crds/rule-figures.ts';
import { pathOf } from '../cluster/object-key.ts';

type Ruled = Organization | ApiKeyBinding;

export interface RuleMetrics {
  observe(resource: Ruled, figures: readonly RuleFigure[]): void;
  /** Shows what was observed since the last time, at once, so that no scrape misses a budget. */
  publish(): void;
  warned(resource: Ruled, budget: string, percent: number): void;
}

/** What budgets have used. Of a budget per user or the like, the scope that is nearest to its amount. */
export function makeRuleMetrics(registry: Registry): RuleMetrics {
  const labelNames = ['organization', 'binding', 'budget'] as const;
  const used = new Gauge({
    name: 'chaperone_budget_used_ratio',
    help: 'How much of a budget is used, 1 being all of it; of a budget per user or the like, where it is most.',
    labelNames,
    registers: [registry],
  });
  const warnings = new Counter({
    name: 'chaperone_budget_warnings_total',
    help: 'Percentages of warnAt that budgets have reached.',
    labelNames: [...labelNames, 'percent'],
    registers: [registry],
  });
  const observed: [ReturnType<typeof labelsOf> & { readonly budget: string }, number][] = [];
  return {
    observe(resource, figures) {
      const budgets = Map.groupBy(
        figures.filter(({ count }) => count.kind === 'budget'),
        ({ count }) => count.name,
      );
      for (const [budget, ofBudget] of budgets) {
        const fullest = fullestOf(ofBudget);
        if (!fullest) continue;
        const labels = { ...labelsOf(resource), budget };
        observed.push([labels, fullest.used / fullest.limit]);
        // A series that began with its first warning would show no increase.
        for (const percent of fullest.count.warnAt) warnings.inc({ ...labels, percent: String(percent) }, 0);
      }
    },
    publish() {
      used.reset();
      for (const [labels, ratio] of observed.splice(0)) used.set(labels, ratio);
    },
    warned: (resource, budget, percent) => warnings.inc({ ...labelsOf(resource), budget, percent: String(percent) }),
  };
}

function labelsOf(resource: Ruled) {
  return resource.kind === 'Organization'
    ? { organization: resource.metadata.name, binding: '' }
    : { organization: resource.spec.organizationRef.name, binding: pathOf(resource.metadata) };
}
