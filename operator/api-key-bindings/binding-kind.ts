import { randomBytes } from 'node:crypto';
import { deleteApiKey, upsertApiKey } from '../../database/api-keys.ts';
import { syntheticKeySecretName } from '../credentials.ts';
import type { TenantKindOf } from '../tenant-kind.ts';
import { decideBinding } from './decide.ts';
import { gatherBinding } from './gather.ts';

/** ApiKeyBinding: a provider's key, sealed for the proxies, and a synthetic key for the applications. */
export const bindingKind: TenantKindOf<'ApiKeyBinding'> = {
  kind: 'ApiKeyBinding',
  async reconcile(context, object) {
    const { cluster, db } = context;
    const { organizationId, envelope, organization } = object.tenancy;
    const gathered = await gatherBinding(context, object);
    const decision = decideBinding(gathered, object, makeSyntheticKey(), Date.now());
    if (decision.action === 'withdraw') {
      await deleteApiKey(db, organizationId, object.rowId);
      return { verdict: decision.verdict, status: {} };
    }
    if (decision.write) {
      const { key, ...row } = decision.write;
      const place = { organizationId, column: 'api_keys.key', rowId: object.rowId };
      await upsertApiKey(db, { ...row, keySealed: envelope.seal(place, key) });
    }
    const secretName = syntheticKeySecretName(object.name);
    await cluster.applySecret({
      namespace: object.namespace,
      name: secretName,
      labels: { 'chaperone.dev/organization': organization.metadata.name, 'chaperone.dev/binding': object.name },
      data: { 'api-key': decision.syntheticKey },
    });
    return {
      verdict: decision.verdict,
      status: { secretName, fingerprint: decision.fingerprint },
      ...(decision.requeueAfterMs !== undefined && { requeueAfterMs: decision.requeueAfterMs }),
    };
  },
  async remove({ cluster, db }, organizationId, rowId, namespace, name) {
    await deleteApiKey(db, organizationId, rowId);
    await cluster.deleteSecret(namespace, syntheticKeySecretName(name));
  },
};

/** 192 random bits; the prefix tells a proxy, and a secret scanner, what it is. */
function makeSyntheticKey(): string {
  return `chp_${randomBytes(24).toString('base64url')}`;
}
