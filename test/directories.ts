import { cp, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { statePaths } from '../cli/local/state.ts';
import { layDatabase } from './database.ts';
import { atEnd, type Scope } from './scope.ts';

export const repository = join(import.meta.dirname, '..');

/** A copy of the quickstart that a test may edit. */
export async function copyQuickstart(scope: Scope): Promise<string> {
  const directory = await makeDirectory(scope);
  await cp(join(repository, 'examples', 'quickstart'), directory, { recursive: true });
  return directory;
}

/**
 * Edits a file under a running operator in one step. Whoever is held up between emptying a file and filling it deletes
 * what it stated.
 */
export async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}~`, text);
  await rename(`${path}~`, path);
}

export async function makeDirectory(scope: Scope): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'chaperone-up-'));
  atEnd(scope, () => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

/** A data directory for `chaperone up` in which a database lies already. */
export async function makeDataDirectory(scope: Scope): Promise<string> {
  const data = await makeDirectory(scope);
  await layDatabase(statePaths(data).postgres);
  return data;
}
