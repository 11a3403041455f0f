import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { objectPath } from '../../operator/cluster/kubernetes/resources.ts';
import type { ApiClient } from '../../operator/cluster/kubernetes.ts';

/** Writes the keys of a Secret as files, as a kubelet mounts them. @returns the names of the files */
export async function writeSecret(
  client: ApiClient,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  directory: string,
): Promise<string[]> {
  const path = objectPath({ kind: 'Secret', namespace, name });
  const { data = {} } = await client.send<{ data?: Record<string, string> }>({ method: 'GET', path });
  await mkdir(directory, { recursive: true });
  for (const [key, value] of Object.entries(data)) {
    await writeFile(join(directory, key), Buffer.from(value, 'base64'), { mode: 0o600 });
  }
  return Object.keys(data);
}
