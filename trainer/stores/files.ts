import { createReadStream } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Store } from './store.ts';

/** Files, such as those of a mounted PersistentVolumeClaim. */
export function makeFileStore(): Store {
  return {
    async read(uri) {
      const path = fileURLToPath(uri);
      try {
        const file = await open(path);
        await file.close();
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      }
      return createReadStream(path);
    },
    async write(uri, bytes) {
      const path = fileURLToPath(uri);
      await mkdir(dirname(path), { recursive: true });
      const file = await open(`${path}.new`, 'w');
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.new`, path);
    },
  };
}
