import { DatabaseError } from 'pg';
import type { Organization } from '../../crds/resources.generated.ts';
import { type DataKeySet, makeEnvelope } from '../../database/envelope.ts';
import type { Queryable } from '../../database/queryable.ts';
import {
  deleteStatedWebhooks,
  listDisabledWebhooks,
  listStatedWebhooks,
  upsertStatedWebhooks,
} from '../../database/webhooks.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Verdict } from '../runtime/conditions.ts';
import { decideWebhooks } from './decide.ts';
import { judgeWebhooks } from './judge.ts';
import { judgeWebhookSecret } from './secret.ts';

export interface WebhookContext {
  readonly cluster: Pick<Cluster, 'get'>;
  readonly db: Queryable;
  readonly operatorNamespace: string;
  readonly now: () => number;
}

/**
 * Makes the rows of the webhooks that an Organization states.
 *
 * @returns the condition about its webhooks; undefined where it never had one
 */
export async function reconcileWebhooks(
  { cluster, db, operatorNamespace, now }: WebhookContext,
  { metadata, spec, status }: Organization,
  organizationId: string,
  dataKeys: DataKeySet,
): Promise<Verdict | undefined> {
  const webhooks = (spec.webhooks ?? []).map((stated) => {
    const secret = cluster.get('Secret', operatorNamespace, stated.secretRef.name);
    return { stated, secret: judgeWebhookSecret(secret, stated.secretRef.key, metadata.name) };
  });
  const hadCondition = status?.conditions?.some(({ type }) => type === 'WebhooksDeliverable') ?? false;
  const disabled = (await listDisabledWebhooks(db)).filter((one) => one.organizationId === organizationId);
  if (webhooks.length === 0 && !hadCondition && disabled.length === 0) return undefined;
  const rows = await listStatedWebhooks(db, organizationId);
  const { writes, removals } = decideWebhooks({ organizationId, webhooks, rows }, makeEnvelope(dataKeys), now());
  // First, since one of the others may get the name of one that goes.
  if (removals.length > 0) await deleteStatedWebhooks(db, organizationId, removals);
  const takenName = writes.length > 0 ? await write(db, metadata.name, writes) : undefined;
  return judgeWebhooks({
    organization: metadata.name,
    ...{ operatorNamespace, webhooks, disabled, takenName, hadCondition },
  });
}

/** @returns the name that another webhook has, where nothing was written for it */
async function write(
  db: Queryable,
  resource: string,
  writes: Parameters<typeof upsertStatedWebhooks>[2],
): Promise<string | undefined> {
  try {
    await upsertStatedWebhooks(db, resource, writes);
    return undefined;
  } catch (error) {
    if (!(error instanceof DatabaseError && error.constraint === 'webhooks_name')) throw error;
    return /=\(.*?, (.*)\) already exists/.exec(error.detail ?? '')?.[1] ?? '';
  }
}
