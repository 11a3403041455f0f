import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export type SecretContent = Readonly<Record<string, Uint8Array>>;

/** Secrets as a kubelet would mount them: `<directory>/<namespace>/<name>/<key>`, readable only by the owner. */
export interface SecretFiles {
  read(namespace: string, name: string): Promise<SecretContent | undefined>;
  write(namespace: string, name: string, content: SecretContent): Promise<void>;
  remove(namespace: string, name: string): Promise<void>;
}

const current = '..data';

export function makeSecretFiles(directory: string): SecretFiles {
  const pathOf = (namespace: string, name: string) => join(directory, namespace, name);
  return {
    read: (namespace, name) => readSecret(pathOf(namespace, name)),
    write: (namespace, name, content) => writeSecret(pathOf(namespace, name), content),
    remove: (namespace, name) => rm(pathOf(namespace, name), { recursive: true, force: true }),
  };
}

async function readSecret(path: string): Promise<SecretContent | undefined> {
  const keys = await readdir(join(path, current)).catch(() => undefined);
  if (!keys) return undefined;
  const entries = keys.map(
    async (key): Promise<[string, Uint8Array]> => [key, await readFile(join(path, current, key))],
  );
  return Object.fromEntries(await Promise.all(entries));
}

/**
 * Writes the new content beside the old one, then points `..data` to it. Each `<key>` is a link through `..data`, so
 * one rename changes all keys at once. Kubernetes does the same (pkg/volume/util/atomic_writer.go).
 */
async function writeSecret(path: string, content: SecretContent): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const former = await readlink(join(path, current)).catch(() => undefined);
  const version = `..${randomUUID()}`;
  await mkdir(join(path, version), { mode: 0o700 });
  for (const [key, value] of Object.entries(content)) {
    await writeFile(join(path, version, key), value, { mode: 0o600 });
  }
  const draft = join(path, `${version}.link`);
  await symlink(version, draft);
  await rename(draft, join(path, current));
  await linkKeys(path, Object.keys(content));
  if (former) await rm(join(path, former), { recursive: true, force: true });
}

async function linkKeys(path: string, keys: readonly string[]): Promise<void> {
  const linked = new Set((await readdir(path)).filter((name) => !name.startsWith('..')));
  for (const key of keys) {
    if (!linked.delete(key)) await symlink(join(current, key), join(path, key));
  }
  for (const key of linked) await rm(join(path, key));
}
