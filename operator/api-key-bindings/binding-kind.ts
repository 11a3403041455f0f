import { randomBytes } from 'node:crypto';
import { type ApiKeyWrite, deleteApiKey, findApiKeys, upsertApiKey } from '../../database/api-keys.ts';
import { ClusterError } from '../cluster/cluster.ts';
import { syntheticKeySecretName } from '../credentials.ts';
import type { Verdict } from '../runtime/conditions.ts';
import type { TenantContext, TenantKindOf, TenantObject } from '../tenant-kind.ts';
import { decideBinding, judgeHandOut, withoutHandOut } from './decide.ts';
import { gatherBinding } from './gather.ts';

/** ApiKeyBinding: a provider's key, sealed for the proxies, and a synthetic key for the applications. */
export const bindingKind: TenantKindOf<'ApiKeyBinding', ApiKeyWrite> = {
  kind: 'ApiKeyBinding',
  find: findApiKeys,
  async reconcile(context, object, stored) {
    const { db } = context;
    const { organizationId, envelope } = object.tenancy;
    const gathered = gatherBinding(context, object, stored);
    const decided = decideBinding(gathered, object, makeSyntheticKey(), Date.now());
    if (decided.action === 'withdraw') {
      const isChanged = await deleteApiKey(db, organizationId, object.rowId);
      return { verdict: decided.verdict, status: {}, isChanged };
    }
    const secretName = syntheticKeySecretName(object.name);
    const problem = await handOut(context, object, secretName, decided.syntheticKey);
    const decision = problem ? withoutHandOut(decided, gathered, problem) : decided;
    if (decision.write) {
      const { key, ...row } = decision.write;
      const place = { organizationId, column: 'api_keys.key', rowId: object.rowId };
      await upsertApiKey(db, { ...row, keySealed: envelope.seal(place, key) });
    }
    return {
      verdict: decision.verdict,
      isChanged: decision.write !== undefined,
      // Pods are given the key of the Secret that stands here.
      status: { ...(!problem && { secretName }), fingerprint: decision.fingerprint },
      ...(decision.requeueAfterMs !== undefined && { requeueAfterMs: decision.requeueAfterMs }),
    };
  },
  async remove({ cluster, db }, organizationId, rowId, namespace, name) {
    const isChanged = await deleteApiKey(db, organizationId, rowId);
    await cluster.deleteSecret(namespace, syntheticKeySecretName(name));
    return isChanged;
  },
};

/** @returns why applications cannot have the key */
async function handOut(
  { cluster }: TenantContext,
  { namespace, name, tenancy }: TenantObject<'ApiKeyBinding'>,
  secretName: string,
  syntheticKey: string,
): Promise<Verdict | undefined> {
  try {
    await cluster.applySecret({
      namespace,
      name: secretName,
      labels: { 'chaperone.dev/organization': tenancy.organization.metadata.name, 'chaperone.dev/binding': name },
      data: { 'api-key': syntheticKey },
    });
    return undefined;
  } catch (error) {
    if (!(error instanceof ClusterError) || error.code === 'stale') throw error;
    return judgeHandOut(secretName, error.code === 'conflict', error.message);
  }
}

/** 192 random bits; the prefix tells a proxy, and a secret scanner, what it is. */
function makeSyntheticKey(): string {
  return `chp_${randomBytes(24).toString('base64url')}`;
}
