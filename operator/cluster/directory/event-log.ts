import { appendFile, mkdir, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { EventNote, ObjectKey } from '../cluster.ts';

const largestBytes = 1024 * 1024;

/** Records Events as lines of JSON. A full file is kept beside the new one, so there are never more than two files. */
export function makeEventLog(path: string, now: () => Date): (key: ObjectKey, event: EventNote) => Promise<void> {
  return async (key, { type, reason, message }) => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const size = await stat(path).then(
      (stats) => stats.size,
      () => 0,
    );
    if (size > largestBytes) await rename(path, `${path}.1`);
    await appendFile(path, `${JSON.stringify({ time: now().toISOString(), type, reason, message, ...key })}\n`);
  };
}
