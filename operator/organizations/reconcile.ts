import type { Organization, OrganizationStatus } from '../../crds/resources.generated.ts';
import { reconcileAccounts } from '../accounts/reconcile.ts';
import { reconcileArticles } from '../articles/reconcile.ts';
import { ClusterError } from '../cluster/cluster-error.ts';
import { keyOf, pathOf, readPath } from '../cluster/object-key.ts';
import { reconcileGateway } from '../gateways/reconcile.ts';
import { loadModelList } from '../known-models.ts';
import { judgeOrganizationRules } from '../limits/judge.ts';
import { readRuleTime } from '../limits/rule-time.ts';
import { ruleStatusOf } from '../limits/summarize.ts';
import type { ReportFailure } from '../outages.ts';
import { differs, eventTypeOf, isNews, toConditions, type Verdict } from '../runtime/conditions.ts';
import type { Reconcile, Result } from '../runtime/controller.ts';
import { reconcileSidecars } from '../sidecars/reconcile.ts';
import { judgeStorable } from '../storable.ts';
import { enforceTraining, judgeTraining } from '../training/judge.ts';
import { reconcileWebhooks } from '../webhooks/reconcile.ts';
import { applyOrganization, removeOrganization } from './apply.ts';
import { judgeCache } from './cache.ts';
import type { OrganizationContext } from './context.ts';
import {
  conditionTypes,
  decideOrganization,
  judgeFailure,
  judgeFailures,
  judgeMembers,
  judgeOrganization,
  judgeOutage,
  judgeRefusal,
  secretTaken,
} from './decide.ts';
import { judgeDeprecations } from './deprecations.ts';
import { gatherOrganization } from './gather.ts';
import { judgeGuardrails } from './guardrails.ts';
import { judgeKnowledgeBase } from './knowledge-base.ts';
import { judgeLimits } from './limits.ts';
import { judgeOverlap } from './members.ts';
import { judgeModels } from './models.ts';
import { judgeRoutes } from './routes.ts';
import { judgeSupport } from './support.ts';

/** setTimeout's limit. A later time is checked again then. */
const maxDelayMs = 2 ** 31 - 1;

/** No event tells when a quota was raised, or another owner's Secret is gone. */
const failureRetryMs = 10_000;

/** No event tells when the API server signs tokens with new keys. */
const issuerLookMs = 300_000;

/** Reconciles Organizations by their paths. */
export function makeOrganizationReconciler(context: OrganizationContext): Reconcile {
  return (path) => reconcile(context, readPath(path).name);
}

/** Makes the report on an Organization that cannot be reconciled. */
export function makeOrganizationFailureReport(context: Pick<OrganizationContext, 'cluster' | 'now'>): ReportFailure {
  return async (path, kind, cause) => {
    const organization = context.cluster.get('Organization', '', readPath(path).name);
    const verdicts = kind === 'outage' ? judgeOutage(cause) : [judgeFailure(cause)];
    if (organization) await report(context, organization, verdicts, {});
  };
}

async function reconcile(context: OrganizationContext, name: string): Promise<Result> {
  const gathered = await gatherOrganization(context, name);
  if (!gathered) return {};
  const key = keyOf(gathered.organization);
  const decision = decideOrganization(gathered, context.now(), context.propagationMs);
  if (decision.action === 'delete') {
    await removeOrganization(context, key, gathered, decision);
    return {};
  }
  if (decision.action === 'refuse') return refuse(context, gathered.organization, decision.verdict);
  const notStorable = judgeStorable(gathered.organization.spec);
  if (notStorable) {
    await report(context, gathered.organization, [notStorable], {});
    return {};
  }
  const { isOneMachine = false } = context;
  const training = judgeTraining(context.cluster, context.training, gathered.organization, isOneMachine);
  const enforced = { ...decision, spec: enforceTraining(decision.spec, training) };
  const applied = await applyOrganization(context, key, gathered, enforced).catch((error: unknown) => {
    if (!(error instanceof ClusterError && error.code === 'conflict' && error.key.kind === 'Secret')) throw error;
    return secretTaken([pathOf(error.key)]);
  });
  if ('reason' in applied) return refuse(context, gathered.organization, applied);
  const { id, tokenKeyIds, dataKeys, failures, effectAtMs, limitsRefusal } = applied;
  await context.audit?.seen(id, gathered.organization);
  const { sidecars: pods, cluster, now } = context;
  const sidecars = pods && (await reconcileSidecars(pods, cluster, gathered.organization, now()));
  const problem = judgeFailures(failures) ?? decision.problem;
  const server = await context.serverLimits?.();
  const limits = server && judgeLimits(server, gathered.storedLogin, limitsRefusal);
  const { sharing } = decision;
  const { gateways } = context;
  const gateway = await reconcileGateway(
    gateways,
    cluster,
    gathered.organization,
    gathered.memberNamespaces,
    isOneMachine,
  );
  const overlap = judgeOverlap(gathered.organization, gathered.members);
  const isListed = await loadModelList();
  const routes = judgeRoutes(gathered.organization.spec, gathered.keys.providers, isListed);
  const ruleTimeMs = await readRuleTime(context.db, gathered.organization.spec);
  const rules = judgeOrganizationRules(gathered.organization, gathered.memberNamespaces, ruleTimeMs, isListed);
  const { spec, status } = gathered.organization;
  const had = (condition: string) => status?.conditions?.some(({ type }) => type === condition) ?? false;
  const guardrails = await judgeGuardrails(spec, gathered.memberNamespaces, had('GuardrailsUsable'));
  const models = await judgeModels(spec, gathered.memberNamespaces, had('ModelsEffective'));
  const support = judgeSupport(gathered.organization, cluster.list('Persona'), isListed, had('SupportEffective'));
  const cache = judgeCache({ spec, namespaces: gathered.memberNamespaces, isListed }, status?.conditions);
  const knowledgeBase = judgeKnowledgeBase(spec, gathered.memberNamespaces, status?.conditions, isListed);
  const webhooks = await reconcileWebhooks(context, gathered.organization, id, dataKeys);
  const accounts = await reconcileAccounts(context, gathered.organization, id, dataKeys);
  const articles = await reconcileArticles(context, gathered.organization, id, dataKeys);
  const others = [
    overlap,
    decision.defaults,
    sharing.verdict,
    sidecars?.verdict,
    limits,
    routes,
    models,
    support,
    rules.verdict,
    guardrails,
    context.circuits?.of(gathered.organization),
    cache,
    knowledgeBase,
    judgeDeprecations(gathered.organization),
    articles,
    webhooks,
    accounts,
    gateway?.verdict,
    training,
    context.auditLog?.judge(gathered.organization),
  ].filter((verdict) => verdict !== undefined);
  const verdicts = [
    ...judgeOrganization(problem, judgeMembers(gathered), gathered.keys, gathered.organization.spec),
    ...others,
  ];
  await report(context, gathered.organization, verdicts, {
    ...sidecars?.status,
    ...(gateway?.status && { gateway: gateway.status }),
    id,
    keptNamespaces: [...gathered.members.kept],
    memberNamespaces: gathered.memberNamespaces.filter((name) => !failures.some(({ namespace }) => namespace === name)),
    boundKeys: gathered.keys.inForce,
    keys: `${gathered.keys.inForce}/${gathered.keys.wanted}`,
    sharing: sharing.rules,
    tokenKeyIds,
    ...context.rules?.of(gathered.organization),
    ...context.auditLog?.of(gathered.organization),
    ...context.retention?.of(gathered.organization),
  });
  const retryMs = failures.length > 0 ? failureRetryMs : undefined;
  const issuerLook = gathered.serviceAccountIssuer ? issuerLookMs : undefined;
  const looks = [
    rules.nextMs,
    gathered.keys.nextExpiryMs,
    sidecars?.requeueAfterMs,
    sharing.requeueAfterMs,
    retryMs,
    issuerLook,
  ];
  const next = [decision.nextRotationMs, ...looks].filter((delayMs) => delayMs !== undefined);
  return {
    ...(effectAtMs !== undefined && { effectAtMs }),
    ...(next.length > 0 && { requeueAfterMs: Math.min(...next, maxDelayMs) }),
  };
}

/** Reports why nothing is written, and tries again later, since no event tells when another owner's Secret is gone. */
async function refuse(context: OrganizationContext, organization: Organization, verdict: Verdict): Promise<Result> {
  await report(context, organization, judgeRefusal(verdict), {});
  return { requeueAfterMs: failureRetryMs };
}

/** Writes changes of the status. Fields that are unknown now stay as they are. */
async function report(
  { cluster, now }: Pick<OrganizationContext, 'cluster' | 'now'>,
  organization: Organization,
  verdicts: readonly Verdict[],
  known: Partial<OrganizationStatus>,
): Promise<void> {
  const { metadata, status } = organization;
  const key = keyOf(organization);
  const judged = toConditions(verdicts, status?.conditions, metadata.generation, new Date(now()));
  // An organization that has been applied has a gateway exactly if its verdict is there.
  const lostGateway = known.id !== undefined && !verdicts.some(({ type }) => type === 'GatewayReady');
  const lostTraining = known.id !== undefined && !verdicts.some(({ type }) => type === 'TrainingReady');
  const ended = [...(lostGateway ? ['GatewayReady'] : []), ...(lostTraining ? ['TrainingReady'] : [])];
  const others = (status?.conditions ?? []).filter(
    ({ type }) =>
      conditionTypes.includes(type) && !verdicts.some((verdict) => verdict.type === type) && !ended.includes(type),
  );
  const { rolling, gateway, budget: _, limit: __, budgets: ___, limits: ____, ...lasting } = status ?? {};
  const next: OrganizationStatus = {
    ...lasting,
    // Where sidecars are known, a missing rollout means that it is over.
    ...(known.outdatedSidecars === undefined && rolling && { rolling }),
    ...(known.id === undefined && { ...(gateway && { gateway }), ...ruleStatusOf(status ?? {}) }),
    ...known,
    observedGeneration: metadata.generation,
    conditions: [...judged, ...others],
  };
  const hasEnded = status?.conditions?.some(({ type }) => ended.includes(type)) ?? false;
  if (hasEnded || differs(status, next)) await cluster.updateStatus(key, next, ended);
  for (const verdict of verdicts.filter((one) => isToldOf(one, status?.conditions))) {
    const { reason, message } = verdict;
    await cluster.recordEvent(key, { type: eventTypeOf(verdict), reason, message });
  }
}

/** Whether a verdict is worth an Event. Ready's message contains its parts. */
function isToldOf(verdict: Verdict, previous: OrganizationStatus['conditions']): boolean {
  const { type, reason } = verdict;
  if (!isNews(previous, verdict)) return false;
  if (type !== 'SidecarsCurrent') {
    return [
      'Ready',
      'NamespacesExclusive',
      'DefaultsStated',
      'SharingDeclared',
      'DatabaseLimited',
      'RoutesComplete',
      'ModelsEffective',
      'SupportEffective',
      'RulesEffective',
      'GuardrailsUsable',
      'CacheEffective',
      'DeprecationsEffective',
      'WebhooksDeliverable',
      'AccountsUsable',
      'GatewayReady',
      'TrainingReady',
      'AuditIntact',
    ].includes(type);
  }
  // A state that was always fine is not worth an Event, and a rollout has its own Event.
  const wasTold = previous?.some((condition) => condition.type === type) ?? false;
  return reason !== 'Rolling' && (wasTold || reason !== 'Current');
}
