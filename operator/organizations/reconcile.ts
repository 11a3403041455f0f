import type { Organization, OrganizationStatus } from '../../crds/resources.generated.ts';
import { isOutage } from '../../database/outage.ts';
import { differs, isNews, toConditions, type Verdict } from '../runtime/conditions.ts';
import type { Reconcile, Result } from '../runtime/controller.ts';
import { applyOrganization, removeOrganization } from './apply.ts';
import type { OrganizationContext } from './context.ts';
import { decideOrganization, judgeOrganization, judgeOutage } from './decide.ts';
import { gatherOrganization } from './gather.ts';

/** setTimeout's limit; what is due later is looked at again then. */
const maxDelayMs = 2 ** 31 - 1;

/** Reconciles the Organization whose name is the key. */
export function makeOrganizationReconciler(context: OrganizationContext): Reconcile {
  return async (name) => {
    try {
      return await reconcile(context, name);
    } catch (error) {
      const organization = context.cluster.get('Organization', '', name);
      if (organization && isOutage(error)) {
        await report(context, organization, judgeOutage(error instanceof Error ? error.message : ''), {});
      }
      throw error;
    }
  };
}

async function reconcile(context: OrganizationContext, name: string): Promise<Result> {
  const gathered = await gatherOrganization(context, name);
  if (!gathered) return {};
  const key = { kind: 'Organization', namespace: '', name } as const;
  const decision = decideOrganization(gathered, context.now());
  if (decision.action === 'delete') {
    await removeOrganization(context, key, gathered.organizationId, decision);
    return {};
  }
  const { id, tokenKeyIds } = await applyOrganization(context, key, gathered, decision);
  await report(context, gathered.organization, judgeOrganization(decision.problem), {
    id,
    memberNamespaces: [...gathered.memberNamespaces],
    boundKeys: gathered.boundKeys,
    tokenKeyIds,
  });
  const { nextRotationMs } = decision;
  return nextRotationMs === undefined ? {} : { requeueAfterMs: Math.min(nextRotationMs, maxDelayMs) };
}

/** Writes what has changed of the status; what is not known now stays as it was. */
async function report(
  { cluster, now }: OrganizationContext,
  { metadata, status }: Organization,
  verdicts: readonly Verdict[],
  known: Partial<OrganizationStatus>,
): Promise<void> {
  const key = { kind: 'Organization', namespace: '', name: metadata.name } as const;
  const judged = toConditions(verdicts, status?.conditions, metadata.generation, new Date(now()));
  const others = (status?.conditions ?? []).filter(({ type }) => !verdicts.some((verdict) => verdict.type === type));
  const next: OrganizationStatus = {
    ...status,
    ...known,
    observedGeneration: metadata.generation,
    conditions: [...judged, ...others],
  };
  if (differs(status, next)) await cluster.updateStatus(key, next);
  const ready = verdicts.find(({ type }) => type === 'Ready');
  if (!ready || !isNews(status?.conditions, ready)) return;
  const { reason, message } = ready;
  await cluster.recordEvent(key, { type: ready.status ? 'Normal' : 'Warning', reason, message });
}
