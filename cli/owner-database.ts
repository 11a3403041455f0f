import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { connectTimeoutMs } from '../database/client.ts';
import { operatorNamespace } from '../operator/credentials.ts';
import { describeError } from './check/describe-error.ts';
import { statePaths } from './local/state.ts';

/** Where to find the owner's login of a database. */
export type OwnerDatabase =
  /** The data directory of a `chaperone up`. */
  | { readonly data: string }
  /** A file with the owner's database URL. */
  | { readonly databaseUrlFile: string };

/**
 * Runs `work` with a connection as the owner, and closes it afterwards.
 *
 * @throws where there is no such database, or it cannot be reached
 */
export async function withOwnerDatabase<T>(
  database: OwnerDatabase,
  name: string,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client({
    connectionString: await findUrl(database),
    application_name: `chaperone-${name}`,
    connectionTimeoutMillis: connectTimeoutMs,
  });
  // What is lost while nothing is asked would end the process; the next query says so, too.
  client.on('error', () => {});
  try {
    await client.connect();
  } catch (cause) {
    const question =
      'data' in database ? `; is \`chaperone up\` running with the data directory ${database.data}?` : '';
    throw new Error(`The database cannot be reached: ${describeError(cause)}${question}`, { cause });
  }
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function findUrl(database: OwnerDatabase): Promise<string> {
  if ('databaseUrlFile' in database) return (await readFile(database.databaseUrlFile, 'utf8')).trim();
  const { secrets, postgres } = statePaths(database.data);
  const directory = join(secrets, operatorNamespace);
  try {
    // Every organization's Secret has the database's address.
    const names = await readdir(directory);
    const found = await Promise.all(
      names.map((name) => readFile(join(directory, name, 'database-url'), 'utf8').catch(() => undefined)),
    );
    const url = new URL(found.find((text) => text !== undefined)?.trim() ?? '');
    url.username = 'chaperone';
    url.password = (await readFile(join(postgres, 'owner.password'), 'utf8')).trim();
    return url.href;
  } catch (cause) {
    throw new Error(`There is no organization in ${database.data}; has \`chaperone up\` run?`, { cause });
  }
}
