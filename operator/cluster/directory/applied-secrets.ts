import { isDeepStrictEqual } from 'node:util';
import type { Cache } from '../cache.ts';
import type { ObjectKey, Secret, SecretToApply } from '../cluster.ts';
import { ClusterError } from '../cluster-error.ts';
import { isMadeFor, managedBy, managedByLabel, ownedLabels } from '../owned.ts';
import { newMetadata, type ObjectRecord, type Records } from './records.ts';
import type { SecretContent, SecretFiles } from './secret-files.ts';

/** The Secrets that the operator applies. */
export interface AppliedSecrets {
  /** Loads the Secrets that the records name. */
  load(): Promise<void>;
  apply(secret: SecretToApply): Promise<void>;
  delete(namespace: string, name: string, isOwn: (secret: Secret) => boolean): Promise<void>;
}

interface AppliedSecretsContext {
  readonly cache: Cache;
  readonly records: Records;
  readonly files: SecretFiles;
  readonly now: () => Date;
}

export function makeAppliedSecrets({ cache, records, files, now }: AppliedSecretsContext): AppliedSecrets {
  return {
    load: async () => {
      for (const record of records.all().filter(({ owner }) => owner === 'operator')) {
        const { namespace, name } = record.key;
        const content = await files.read(namespace, name);
        if (content) cache.put('Secret', toSecret(record, content));
      }
    },

    apply: async ({ namespace, name, data, labels, ownerUid, isOwn }) => {
      const key = keyOf(namespace, name);
      const known = records.get(key);
      if (known?.owner === 'files') throw new ClusterError('conflict', key, `is stated by ${known.file}`);
      const current = cache.get('Secret', namespace, name);
      if (current && !isMadeFor(current, ownerUid) && !isOwn?.(current)) {
        throw new ClusterError('conflict', key, 'was made for another object');
      }
      const metadata = known?.metadata ?? newMetadata(now());
      const record: ObjectRecord = { key, owner: 'operator', metadata, labels: ownedLabels(ownerUid, labels) };
      const secret = toSecret(record, encode(data));
      if (isDeepStrictEqual(current, secret)) return;
      await files.write(namespace, name, secret.data);
      await records.keep(record);
      cache.put('Secret', secret);
      cache.announce(key, 'own');
    },

    delete: async (namespace, name, isOwn) => {
      const key = keyOf(namespace, name);
      if (records.get(key)?.owner !== 'operator') return;
      const current = cache.get('Secret', namespace, name);
      if (current && !isOwn(current)) return;
      await files.remove(namespace, name);
      await records.drop(key);
      cache.remove(key);
      cache.announce(key, 'foreign');
    },
  };
}

function keyOf(namespace: string, name: string): ObjectKey<'Secret'> {
  return { kind: 'Secret', namespace, name };
}

function toSecret({ key: { namespace, name }, metadata, labels }: ObjectRecord, data: SecretContent): Secret {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace, labels: { ...labels, [managedByLabel]: managedBy }, ...metadata },
    data,
  };
}

/** Always Uint8Array, since a Buffer and a Uint8Array with equal bytes are not deeply equal. */
function encode(data: SecretToApply['data']): SecretContent {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [
      key,
      typeof value === 'string' ? Buffer.from(value) : Buffer.copyBytesFrom(value),
    ]),
  );
}
