import type { Logger } from 'pino';
import type { Organization, OrganizationStatus } from '../../crds/resources.generated.ts';
import type { Queryable } from '../../database/queryable.ts';
import { type RetentionState, readRetentionStates } from '../../database/retention.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { type ObjectPath, pathOf } from '../cluster/object-key.ts';
import { startResync } from '../runtime/resync.ts';

/** What an Organization's status says of what `storage.retention` has removed. */
export interface RetentionStatuses {
  of(organization: Organization): Pick<OrganizationStatus, 'retention'>;
}

export interface RetentionWatchOptions {
  readonly cluster: Pick<Cluster, 'list'>;
  readonly db: Queryable;
  /** Called where the status of an Organization is to be written. */
  readonly onChange: (path: ObjectPath) => void;
  /** Whether the database can be used. */
  readonly isUsable: () => boolean;
  readonly log: Logger;
  /** How often the database is read. */
  readonly periodMs: number;
}

/** Shows in statuses what retention has removed, once it has come to its end: some once a day. */
export function watchRetention(options: RetentionWatchOptions): RetentionStatuses & { stop(): Promise<void> } {
  const { cluster, db, onChange, isUsable, log, periodMs } = options;
  let shown: ReadonlyMap<string, OrganizationStatus['retention']> | undefined;
  const look = async () => {
    const states = await readRetentionStates(db);
    const next = new Map<string, OrganizationStatus['retention']>();
    for (const state of states) {
      const former = shown?.get(state.organizationId);
      const now = statusOf(state);
      // Counts change with each step, and are shown when the work is done.
      if (now) next.set(state.organizationId, former?.keptFrom === now.keptFrom ? former : now);
    }
    shown = next;
    for (const { metadata, status } of cluster.list('Organization')) {
      if (next.get(status?.id ?? '')?.keptFrom !== status?.retention?.keptFrom) onChange(pathOf(metadata));
    }
  };
  const resync = startResync(async () => {
    if (!isUsable()) return;
    await look().catch((error: unknown) => log.warn({ err: error }, 'cannot read what retention has removed'));
  }, periodMs);
  return {
    of({ status }) {
      // As long as nothing is known, what was said before stays.
      const retention = shown ? shown.get(status?.id ?? '') : status?.retention;
      return retention ? { retention } : {};
    },
    stop: () => resync.stop(),
  };
}

function statusOf({ keptFrom, removedCalls }: RetentionState): OrganizationStatus['retention'] {
  return keptFrom ? { keptFrom: keptFrom.toISOString().replace(/\.\d+Z$/, 'Z'), removedCalls } : undefined;
}
