import { statePaths } from '../../cli/local/state.ts';
import { makeSecretFiles } from '../../operator/cluster/directory/secret-files.ts';
import { operatorNamespace } from '../../operator/credentials.ts';
import type { TestObject } from './resources.ts';
import { governance, type Stage } from './stage.ts';

/** Secrets by their paths, as the API server has them and as they are mounted. */
const mounts = {
  'web/chaperone-acme': ['web', 'chaperone-acme'],
  [`${governance}/chaperone-acme`]: [operatorNamespace, 'chaperone-acme'],
  [`${governance}/chaperone-acme-signing-keys`]: [operatorNamespace, 'chaperone-acme-signing-keys'],
} as const;

/** @returns brings each Secret that has changed to its directory, below the data directory */
export function makeMounter({ hands }: Stage, data: string): () => Promise<void> {
  const files = makeSecretFiles(statePaths(data).secrets);
  const versions = new Map<string, string>();
  return async () => {
    for (const [path, [namespace, name]] of Object.entries(mounts)) {
      const found = await hands.find('Secret', path);
      if (!found || versions.get(path) === found.metadata.resourceVersion) continue;
      await files.write(namespace, name, toSecret(found)?.data ?? {});
      versions.set(path, found.metadata.resourceVersion);
    }
  };
}

export function toSecret(object: TestObject | undefined) {
  if (!object) return undefined;
  const entries = Object.entries(object.data ?? {}).map(([key, value]) => [key, Buffer.from(value, 'base64')] as const);
  const metadata = { ...object.metadata, generation: 1, creationTimestamp: '' };
  return { apiVersion: 'v1' as const, kind: 'Secret' as const, metadata, data: Object.fromEntries(entries) };
}
