import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { JsonValue } from '../../../crds/definition.ts';
import type { ObjectKey } from '../cluster.ts';

/** One YAML file per object, under `<directory>/<Kind>/<namespace>/<name>.yaml`. */
export interface StateFiles {
  read(key: ObjectKey): Promise<JsonValue | undefined>;
  readAll(): Promise<readonly JsonValue[]>;
  write(key: ObjectKey, value: object): Promise<void>;
  remove(key: ObjectKey): Promise<void>;
}

export function makeStateFiles(directory: string): StateFiles {
  const pathOf = ({ kind, namespace, name }: ObjectKey) => join(directory, kind, namespace, `${name}.yaml`);
  return {
    read: (key) => readYaml(pathOf(key)),
    readAll: async () => {
      const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
      const paths = entries.flatMap((entry) =>
        entry.name.endsWith('.yaml') ? [join(entry.parentPath, entry.name)] : [],
      );
      const values = await Promise.all(paths.sort().map(readYaml));
      return values.filter((value) => value !== undefined);
    },
    write: (key, value) => replaceFile(pathOf(key), stringify(value)),
    remove: (key) => rm(pathOf(key), { force: true }),
  };
}

/** An unreadable file counts as absent. The next write replaces it. */
async function readYaml(path: string): Promise<JsonValue | undefined> {
  try {
    return parse(await readFile(path, 'utf8'));
  } catch {
    return undefined;
  }
}

/** Replaces the file atomically: a reader sees the old content or the new one, never a part. */
async function replaceFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = join(dirname(path), `.${randomUUID()}`);
  await writeFile(draft, text, { mode: 0o600 });
  await rename(draft, path);
}
