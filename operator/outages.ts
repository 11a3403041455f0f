import { type TenantKind, tenantKinds } from '../crds/definition.ts';
import { describeOutage, keepsConnection, outageKindOf, outages } from '../database/outage.ts';
import type { Cluster } from './cluster/cluster.ts';
import { ClusterError } from './cluster/cluster-error.ts';
import { type ObjectPath, pathOf } from './cluster/object-key.ts';
import { type Reconcile, WaitingError } from './runtime/controller.ts';
import type { DatabaseHealth } from './runtime/database-health.ts';
import { Refusal } from './runtime/refusal.ts';

/**
 * Reports on an object that it cannot be reconciled. Nothing happens where the object is gone. @param cause in words
 */
export type ReportFailure = (path: ObjectPath, kind: 'outage' | 'failure', cause: string) => Promise<void>;

/**
 * Makes a reconciler report outages of the database on the object. While an outage is known, it attempts nothing and
 * fails, so the key waits and is woken when the database is back. It reports any other failure when it repeats.
 */
export function withOutages(
  reconcile: Reconcile,
  report: ReportFailure,
  health: Pick<DatabaseHealth, 'outage' | 'probeNow'>,
): Reconcile {
  const failed = new Set<string>();
  return async (key) => {
    const outage = health.outage();
    if (outage !== undefined) {
      const cause = describeOutage(outage);
      await report(key, 'outage', cause);
      throw new WaitingError(`the database cannot be used: ${cause}`);
    }
    try {
      const result = await reconcile(key);
      failed.delete(key);
      return result;
    } catch (error) {
      const kind = outageKindOf(error);
      if (kind !== undefined && !keepsConnection(kind)) {
        if (health.outage() === undefined) health.probeNow();
        await report(key, 'outage', describeOutage(error));
      } else if (!isApiServers(error)) {
        // A conflict with another writer does not repeat.
        if (failed.has(key)) await report(key, 'failure', causeOf(error));
        failed.add(key);
      }
      throw error;
    }
  };
}

/** A statement or a lock that took too long is no outage: the database is well, and its own words do not say that. */
function causeOf(error: unknown): string {
  const kind = outageKindOf(error);
  const message = error instanceof Error ? error.message : String(error);
  return kind === undefined ? message : `${outages[kind]} (${message})`;
}

/** Whether the API server refused or did not answer. Then it would not accept a status either. */
function isApiServers(error: unknown): boolean {
  return error instanceof Refusal || error instanceof ClusterError;
}

export interface OutageReports {
  readonly organization: ReportFailure;
  readonly tenant: (kind: TenantKind) => ReportFailure;
}

/**
 * Reports an outage before anything has been reconciled: on Organizations, and on objects that changed since the last
 * reconciliation. The status of unchanged objects is still right.
 */
export async function reportOutages(cluster: Cluster, reports: OutageReports, reason: string): Promise<void> {
  for (const { metadata } of cluster.list('Organization'))
    await reports.organization(pathOf(metadata), 'outage', reason);
  for (const kind of tenantKinds) {
    const report = reports.tenant(kind);
    for (const { metadata, status } of cluster.list(kind)) {
      if (status?.observedGeneration === metadata.generation && !metadata.deletionTimestamp) continue;
      await report(pathOf(metadata), 'outage', reason);
    }
  }
}
