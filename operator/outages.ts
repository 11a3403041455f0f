import { describeOutage, isOutage } from '../database/outage.ts';
import { type Cluster, ClusterError } from './cluster/cluster.ts';
import { ApiError } from './cluster/kubernetes/api-error.ts';
import type { Reconcile } from './runtime/controller.ts';
import type { DatabaseHealth } from './runtime/database-health.ts';
import { type TenantKind, tenantKinds } from './tenancy.ts';

/** Says of an object that it cannot be reconciled. Nothing happens where it is gone. @param cause in words */
export type ReportFailure = (key: string, kind: 'outage' | 'failure', cause: string) => Promise<void>;

/**
 * Has a reconciler say on the object that the database is away, and try nothing while that is known. It fails all the
 * same: its key waits, and is woken when the database is back. Of any other failure it says so when it comes again.
 */
export function withOutages(
  reconcile: Reconcile,
  report: ReportFailure,
  health: Pick<DatabaseHealth, 'outage' | 'look'>,
): Reconcile {
  const failed = new Set<string>();
  return async (key) => {
    try {
      const outage = health.outage();
      if (outage !== undefined) throw outage;
      const result = await reconcile(key);
      failed.delete(key);
      return result;
    } catch (error) {
      if (isOutage(error)) {
        if (health.outage() === undefined) health.look();
        await report(key, 'outage', describeOutage(error));
      } else if (!isApiServers(error)) {
        // What another writer was faster at is over by then.
        if (failed.has(key)) await report(key, 'failure', error instanceof Error ? error.message : String(error));
        failed.add(key);
      }
      throw error;
    }
  };
}

/** Whether it is the API server that refuses, or does not answer: it would not take a status either. */
function isApiServers(error: unknown): boolean {
  return error instanceof ApiError || error instanceof ClusterError;
}

export interface OutageReports {
  readonly organization: ReportFailure;
  readonly tenant: (kind: TenantKind) => ReportFailure;
}

/**
 * Says that the database is away before anything has been reconciled: on Organizations, and on what has changed since
 * somebody last looked. What has not is in force as it says.
 */
export async function reportOutages(cluster: Cluster, reports: OutageReports, reason: string): Promise<void> {
  for (const { metadata } of cluster.list('Organization')) await reports.organization(metadata.name, 'outage', reason);
  for (const kind of tenantKinds) {
    const report = reports.tenant(kind);
    for (const { metadata, status } of cluster.list(kind)) {
      if (status?.observedGeneration === metadata.generation && !metadata.deletionTimestamp) continue;
      await report(`${metadata.namespace}/${metadata.name}`, 'outage', reason);
    }
  }
}
