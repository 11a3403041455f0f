import { describeOutage, isOutage } from '../database/outage.ts';
import type { Cluster } from './cluster/cluster.ts';
import type { Reconcile } from './runtime/controller.ts';
import type { DatabaseHealth } from './runtime/database-health.ts';
import { type TenantKind, tenantKinds } from './tenancy.ts';

/** Says of an object that it cannot be reconciled, since the database is away. Nothing happens where it is gone. */
export type ReportOutage = (key: string, reason: string) => Promise<void>;

/**
 * Has a reconciler say on the object that the database is away, and try nothing while that is known. It fails all the
 * same: its key waits, and is woken when the database is back.
 */
export function withOutages(
  reconcile: Reconcile,
  report: ReportOutage,
  health: Pick<DatabaseHealth, 'outage' | 'look'>,
): Reconcile {
  return async (key) => {
    try {
      const outage = health.outage();
      if (outage !== undefined) throw outage;
      return await reconcile(key);
    } catch (error) {
      if (!isOutage(error)) throw error;
      if (health.outage() === undefined) health.look();
      await report(key, describeOutage(error));
      throw error;
    }
  };
}

export interface OutageReports {
  readonly organization: ReportOutage;
  readonly tenant: (kind: TenantKind) => ReportOutage;
}

/**
 * Says that the database is away before anything has been reconciled: on Organizations, and on what has changed since
 * somebody last looked. What has not is in force as it says.
 */
export async function reportOutages(cluster: Cluster, reports: OutageReports, reason: string): Promise<void> {
  for (const { metadata } of cluster.list('Organization')) await reports.organization(metadata.name, reason);
  for (const kind of tenantKinds) {
    const report = reports.tenant(kind);
    for (const { metadata, status } of cluster.list(kind)) {
      if (status?.observedGeneration === metadata.generation && !metadata.deletionTimestamp) continue;
      await report(`${metadata.namespace}/${metadata.name}`, reason);
    }
  }
}
