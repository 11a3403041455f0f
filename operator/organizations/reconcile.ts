import type { OrganizationStatus } from '../../crds/resources.generated.ts';
import { differs, isNews, toConditions } from '../runtime/conditions.ts';
import type { Reconcile } from '../runtime/controller.ts';
import { applyOrganization, removeOrganization } from './apply.ts';
import type { OrganizationContext } from './context.ts';
import { decideOrganization, judgeOrganization } from './decide.ts';
import { gatherOrganization } from './gather.ts';

/** setTimeout's limit; what is due later is looked at again then. */
const maxDelayMs = 2 ** 31 - 1;

/** Reconciles the Organization whose name is the key. */
export function makeOrganizationReconciler(context: OrganizationContext): Reconcile {
  const { cluster, now } = context;
  return async (name) => {
    const gathered = await gatherOrganization(context, name);
    if (!gathered) return {};
    const key = { kind: 'Organization', namespace: '', name } as const;
    const decision = decideOrganization(gathered, now());
    if (decision.action === 'delete') {
      await removeOrganization(context, key, gathered.storedId, decision);
      return {};
    }
    const { id, tokenKeyIds } = await applyOrganization(context, key, gathered, decision);
    const { metadata, status } = gathered.organization;
    const verdicts = judgeOrganization(decision.problem);
    const next: OrganizationStatus = {
      observedGeneration: metadata.generation,
      id,
      memberNamespaces: [...gathered.memberNamespaces],
      boundKeys: gathered.boundKeys,
      tokenKeyIds,
      conditions: toConditions(verdicts, status?.conditions, metadata.generation, new Date(now())),
    };
    if (differs(status, next)) await cluster.updateStatus(key, next);
    const ready = verdicts.find(({ type }) => type === 'Ready');
    if (ready && isNews(status?.conditions, ready)) {
      const { reason, message } = ready;
      await cluster.recordEvent(key, { type: ready.status ? 'Normal' : 'Warning', reason, message });
    }
    return decision.nextRotationMs === undefined
      ? {}
      : { requeueAfterMs: Math.min(decision.nextRotationMs, maxDelayMs) };
  };
}
