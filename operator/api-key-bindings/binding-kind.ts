import { randomBytes } from 'node:crypto';
import { workloadUsersOf } from '../../crds/workload-users.ts';
import { type ApiKeyWrite, deleteApiKey, findApiKeys, upsertApiKeys } from '../../database/api-keys.ts';
import type { Secret } from '../cluster/cluster.ts';
import { ClusterError } from '../cluster/cluster-error.ts';
import { keyOf } from '../cluster/object-key.ts';
import { syntheticKeySecretName } from '../credentials.ts';
import { loadModelList, tellUnknownModels } from '../known-models.ts';
import { judgeBindingRules } from '../limits/judge.ts';
import { readRuleTime } from '../limits/rule-time.ts';
import type { Verdict } from '../runtime/conditions.ts';
import type { TenantContext, TenantKindOf, TenantObject } from '../tenant-kind.ts';
import { decideBinding, foretellRival, judgeHandOut, withoutHandOut } from './decide.ts';
import { gatherBinding } from './gather.ts';
import { readKey } from './provider-key.ts';

const bindingLabel = 'chaperone.dev/binding';

/** ApiKeyBinding: a provider key, sealed for proxies, and a synthetic key for applications. */
export const bindingKind: TenantKindOf<'ApiKeyBinding', ApiKeyWrite> = {
  kind: 'ApiKeyBinding',
  find: findApiKeys,
  upsert: upsertApiKeys,
  async reconcile(context, object, stored, write) {
    const { db } = context;
    const { tenancy, envelope } = object;
    const { organizationId } = tenancy;
    const nowMs = Date.now();
    const gathered = gatherBinding(context, object, stored, nowMs);
    const decided = decideBinding(gathered, object, makeSyntheticKey(), nowMs);
    if (decided.action === 'withdraw') {
      const isChanged = await deleteApiKey(db, organizationId, object.rowId);
      const { verdict, requeueAfterMs } = decided;
      return { verdict, status: {}, isChanged, ...(requeueAfterMs !== undefined && { requeueAfterMs }) };
    }
    const secretName = syntheticKeySecretName(object.name);
    // Older releases set no label with the binding's uid.
    const isOwn = ({ data }: Secret) =>
      gathered.syntheticKey !== undefined && readKey(data['api-key']) === gathered.syntheticKey;
    const problem = await handOut(context, object, { secretName, syntheticKey: decided.syntheticKey, isOwn });
    const decision = problem ? withoutHandOut(decided, gathered, problem) : decided;
    if (decision.write) {
      const { key, ...row } = decision.write;
      const place = { organizationId, column: 'api_keys.key', rowId: object.rowId };
      await write({ ...row, keySealed: envelope.seal(place, key) });
    }
    const foretold = foretellRival(gathered, object);
    const { servesNamespace } = object.reach;
    const namespaces =
      servesNamespace === null ? (tenancy.organization.status?.memberNamespaces ?? []) : [servesNamespace];
    const isListed = await loadModelList();
    const ruleTimeMs = await readRuleTime(db, object.resource.spec);
    const rules = judgeBindingRules(object.resource, tenancy.organization, namespaces, ruleTimeMs, isListed);
    const isNew = gathered.syntheticKey === undefined;
    if (isNew && stored && !problem) {
      await context.cluster.recordEvent(keyOf(object.resource), {
        type: 'Warning',
        reason: 'SyntheticKeyReplaced',
        message: `Secret "${secretName}" has a new synthetic key, since the former one was deleted or changed. Containers that started before still have the former one, which is refused. Restart their workloads.`,
      });
    }
    const former = gathered.stored?.fingerprint;
    if (decision.write && former !== undefined && former !== decision.fingerprint) {
      const message = `The provider's key with the fingerprint ${decision.fingerprint} is in force from now on (before: ${former}).`;
      await context.cluster.recordEvent(keyOf(object.resource), { type: 'Normal', reason: 'Updated', message });
    }
    const issuedAt = isNew ? toSeconds(nowMs) : object.resource.status?.syntheticKeyIssuedAt;
    const { spec } = tenancy.organization;
    const providers = spec.providers.filter(({ name }) => name === object.resource.spec.provider);
    const { models = [] } = object.resource.spec;
    return {
      verdict: await tellUnknownModels(decision.verdict, 'spec.models', models, { ...spec, providers }),
      ...(foretold && { consent: foretold }),
      ...(rules.verdict && { rules: rules.verdict }),
      isChanged: decision.write !== undefined,
      fingerprint: decision.fingerprint,
      // Injection gives pods the key of this Secret.
      status: {
        ...(!problem && { secretName, ...(issuedAt !== undefined && { syntheticKeyIssuedAt: issuedAt }) }),
        fingerprint: decision.fingerprint,
        callsAs: callsAs(object),
        ...context.rules?.of(object.resource),
      },
      ...soonest(decision.requeueAfterMs, rules.nextMs),
    };
  },
  // The synthetic key stays in its Secret, but is not accepted. Running pods still have it, and it works again when the
  // namespace is a member again.
  withdraw: ({ db }, organizationId, rowId) => deleteApiKey(db, organizationId, rowId),
  async remove({ cluster, db }, organizationId, rowId, namespace, name) {
    const isChanged = await deleteApiKey(db, organizationId, rowId);
    const isOwn = ({ metadata: { labels } }: Secret) => labels?.[bindingLabel] === name;
    await cluster.deleteSecret(namespace, syntheticKeySecretName(name), isOwn);
    return isChanged;
  },
};

/** setTimeout's limit. */
const maxDelayMs = 2 ** 31 - 1;

function soonest(...delays: readonly (number | undefined)[]): { readonly requeueAfterMs?: number } {
  const known = delays.filter((delay) => delay !== undefined);
  return known.length === 0 ? {} : { requeueAfterMs: Math.min(...known, maxDelayMs) };
}

/** The users that calls with the synthetic key may have. */
function callsAs({ resource: { spec }, namespace, tenancy }: TenantObject<'ApiKeyBinding'>): string[] {
  return spec.user === undefined ? [...(workloadUsersOf(tenancy.organization.spec, namespace) ?? ['*'])] : [spec.user];
}

/** Formats a time as the API server does. */
function toSeconds(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
}

interface HandOut {
  readonly secretName: string;
  readonly syntheticKey: string;
  /** Whether a Secret without the binding's uid has the key that was handed out. */
  readonly isOwn: (secret: Secret) => boolean;
}

/** @returns why applications cannot get the key */
async function handOut(
  { cluster }: TenantContext,
  { resource, namespace, name, tenancy }: TenantObject<'ApiKeyBinding'>,
  { secretName, syntheticKey, isOwn }: HandOut,
): Promise<Verdict | undefined> {
  try {
    await cluster.applySecret({
      namespace,
      name: secretName,
      labels: { 'chaperone.dev/organization': tenancy.organization.metadata.name, [bindingLabel]: name },
      data: { 'api-key': syntheticKey },
      ownerUid: resource.metadata.uid,
      isOwn,
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof ClusterError) || error.code === 'stale') throw error;
    return judgeHandOut(secretName, error.code === 'conflict', error.message);
  }
}

/** 192 random bits. The prefix identifies the key for proxies and secret scanners. */
function makeSyntheticKey(): string {
  return `chp_${randomBytes(24).toString('base64url')}`;
}
