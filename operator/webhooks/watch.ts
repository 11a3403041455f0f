import type { Logger } from 'pino';
import type { Queryable } from '../../database/queryable.ts';
import { listDisabledWebhooks } from '../../database/webhooks.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { type ObjectPath, pathOf } from '../cluster/object-key.ts';
import { startResync } from '../runtime/resync.ts';

export interface WebhookWatchOptions {
  readonly cluster: Pick<Cluster, 'list'>;
  readonly db: Queryable;
  /** Called where the condition of an Organization may have changed. */
  readonly onChange: (path: ObjectPath) => void;
  /** Whether the database can be used. */
  readonly isUsable: () => boolean;
  readonly log: Logger;
  /** How often the database is read. */
  readonly periodMs: number;
}

/** Notices when workers disable a webhook, or one is enabled again. */
export function watchWebhooks({ cluster, db, onChange, isUsable, log, periodMs }: WebhookWatchOptions) {
  /** What is disabled, by the organization's id. */
  let known = new Map<string, string>();
  const look = async () => {
    const disabled = Map.groupBy(await listDisabledWebhooks(db), ({ organizationId }) => organizationId);
    const now = new Map(Array.from(disabled, ([id, webhooks]) => [id, JSON.stringify(webhooks)]));
    for (const { metadata, status } of cluster.list('Organization')) {
      const id = status?.id ?? '';
      if (now.get(id) !== known.get(id)) onChange(pathOf(metadata));
    }
    known = now;
  };
  return startResync(async () => {
    if (!isUsable()) return;
    await look().catch((error: unknown) => log.warn({ err: error }, 'cannot read which webhooks are disabled'));
  }, periodMs);
}
