import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from 'pg';
import { type FunctionSources, findFunctionDrift, readFunctionSources } from '../../database/function-sources.ts';
import { migrate } from '../../database/migrate.ts';

const migrations = join(import.meta.dirname, '../../database/migrations');

/** What stands above this line in a migration was written by hand; what stands below it is copied. */
const marker = '-- Copied from database/functions by `npm run generate`: edit those.\n';

export interface Migration {
  readonly file: string;
  readonly text: string;
}

/**
 * Migrates an empty database and copies the functions whose file differs from it into a migration: into the newest one
 * while git has not committed it, else into a new one. A second run replaces what the first one copied.
 *
 * @param client a connection to that database, which has all migrations afterwards
 * @returns what a person has to mend before; then no migration was written
 */
export async function copyChangedFunctions(client: Client, url: string): Promise<{ faults: readonly string[] }> {
  const newest = await readNewest();
  const isOpen = !(await isCommitted(newest.file));
  const kept = isOpen ? withoutCopies(newest.text) : newest.text;
  await migrateWith(url, { file: newest.file, text: kept });
  const sources = await readFunctionSources();
  const { changed, faults } = await findFunctionDrift(client, sources);
  if (faults.length > 0) return { faults };
  const copies = renderCopies(changed, sources);
  await client.query(copies);
  const { changed: remaining } = await findFunctionDrift(client, sources);
  if (remaining.length > 0) return { faults: remaining.map(privilegesFault) };
  await write(planMigrations(newest.file, kept, isOpen, copies));
  return { faults: [] };
}

/** What the files of the newest migrations are to contain; a file without text is to go. */
export function planMigrations(newest: string, kept: string, isOpen: boolean, copies: string): readonly Migration[] {
  if (isOpen) return [{ file: newest, text: copies === '' || kept === '' ? kept + copies : `${kept}\n${copies}` }];
  if (copies === '') return [];
  return [{ file: `${String(Number(newest.slice(0, 6)) + 1).padStart(6, '0')}.sql`, text: copies }];
}

/** The part of a migration that was written by hand. */
export function withoutCopies(text: string): string {
  const at = text.indexOf(marker);
  return at < 0 ? text : text.slice(0, at).replace(/\n+$/, '\n').replace(/^\n$/, '');
}

function renderCopies(names: readonly string[], sources: FunctionSources): string {
  if (names.length === 0) return '';
  return [marker.trimEnd(), ...names.map((name) => sources.get(name)?.trimEnd() ?? '')].join('\n\n').concat('\n');
}

function privilegesFault(name: string): string {
  return `database/functions/${name}.sql takes a privilege away, which \`create or replace\` does not: revoke it in a migration by hand`;
}

async function readNewest(): Promise<Migration> {
  const file = (await readdir(migrations))
    .filter((name) => /^\d{6}\.sql$/.test(name))
    .sort()
    .at(-1);
  if (file === undefined) throw new Error(`${migrations} has no migrations`);
  return { file, text: await readFile(join(migrations, file), 'utf8') };
}

/** Without git, nobody knows, so nothing is rewritten. */
function isCommitted(file: string): Promise<boolean> {
  return new Promise((resolve) => {
    execFile(
      'git',
      ['status', '--porcelain', '--untracked-files=all', '--', file],
      { cwd: migrations },
      (error, stdout) => {
        // Untracked, or added and not committed.
        resolve(error !== null || !/^(\?\?|A)/m.test(stdout));
      },
    );
  });
}

/** Applies all migrations, the newest one with this text. */
async function migrateWith(url: string, newest: Migration): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'chaperone-migrations-'));
  try {
    for (const file of await readdir(migrations)) await copyFile(join(migrations, file), join(directory, file));
    await writeFile(join(directory, newest.file), newest.text);
    await migrate(url, directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function write(planned: readonly Migration[]): Promise<void> {
  for (const { file, text } of planned) {
    if (text === '') await rm(join(migrations, file));
    else await writeFile(join(migrations, file), text);
  }
}
