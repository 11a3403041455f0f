import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The files that belong to the repository. */
export interface Repository {
  readonly files: ReadonlySet<string>;
  readonly folders: ReadonlySet<string>;
  read(file: string): string;
}

export function openRepository(root: string): Repository {
  // With what is not committed yet, so that a writer sees it.
  const list = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 16 * 1024 * 1024,
  });
  const files = list.split('\0').filter((file) => file !== '' && existsSync(join(root, file)));
  const folders = files.flatMap((file) => {
    const parts = file.split('/').slice(0, -1);
    return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
  });
  return {
    files: new Set(files),
    folders: new Set(folders),
    read: (file) => readFileSync(join(root, file), 'utf8'),
  };
}
