import { Gauge, type Registry } from 'prom-client';
import { type CustomKind, customKinds } from '../../crds/definition.ts';
import type { Condition } from '../../crds/object-meta.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { inactiveReason } from './conditions.ts';
import type { TextRegistry } from './text-registry.ts';

const statuses = ['True', 'False', 'Unknown'] as const;

/**
 * Whether each resource is Ready, as cert-manager has it: a series for each status that the condition may have, 1 for the
 * one that it has. Series go with their object. What somebody has switched off has none, since nobody waits for it.
 *
 * @see https://cert-manager.io/docs/devops-tips/prometheus-metrics/
 */
export function makeResourceMetrics(registry: TextRegistry, cluster: Pick<Cluster, 'list'>): void {
  const name = 'chaperone_resource_ready';
  const help = 'Whether a resource is Ready: 1 for the status that its condition has, True, False or Unknown.';
  registry.registerText(() => {
    let text = `# HELP ${name} ${help}\n# TYPE ${name} gauge\n`;
    for (const kind of customKinds) {
      for (const { metadata, status } of cluster.list<CustomKind>(kind)) {
        const ready = judge(metadata.generation, status);
        if (ready === undefined) continue;
        // Kubernetes allows no name that would need an escape.
        const labels = `kind="${kind}",namespace="${metadata.namespace ?? ''}",name="${metadata.name}"`;
        for (const condition of statuses) {
          text += `${name}{${labels},condition="${condition}"} ${ready === condition ? 1 : 0}\n`;
        }
      }
    }
    return text;
  });
}

/** What is said of an older spec is not known of the present one. */
function judge(
  generation: number,
  status: { readonly observedGeneration?: number; readonly conditions?: readonly Condition[] } | undefined,
): string | undefined {
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  if (!ready || (status?.observedGeneration ?? 0) < generation) return 'Unknown';
  return ready.reason === inactiveReason ? undefined : ready.status;
}

/** Whether the operator can use the database. @param isReachable undefined where nobody has looked yet */
export function makeDatabaseMetric(registry: Registry, isReachable: () => boolean | undefined): void {
  new Gauge({
    name: 'chaperone_database_reachable',
    help: '1 while the operator can use the database, 0 while it cannot; from the replica that leads.',
    registers: [registry],
    collect() {
      const known = isReachable();
      if (known === undefined) this.remove();
      else this.set(known ? 1 : 0);
    },
  });
}

/** Which version this process is of. */
export function makeBuildMetric(registry: Registry, version: string): void {
  new Gauge({
    name: 'chaperone_build_info',
    help: 'Always 1. The labels have the version.',
    labelNames: ['component', 'version', 'node'],
    registers: [registry],
  }).set({ component: 'operator', version, node: process.versions.node }, 1);
}
