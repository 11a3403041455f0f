import { Client } from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../cli/embedded-postgres.ts';
import { dropOrganizationRoles } from './database/tenant.ts';
import { layDatabase, makeTestDatabase } from './database.ts';
import { freePort } from './free-port.ts';

/** The database of a stack. */
export interface StackDatabase {
  readonly url: string;
  readonly superuserUrl: string;
  stop(): Promise<void>;
  start(): Promise<void>;
  release(): Promise<void>;
}

/** Starts a PostgreSQL of its own, over a copy of a migrated one. */
export async function startOwnDatabase(directory: string): Promise<StackDatabase> {
  await layDatabase(directory);
  const port = await freePort();
  let postgres: EmbeddedPostgres = await startEmbeddedPostgres({ directory, port });
  const { url, superuserUrl } = postgres;
  return {
    url,
    superuserUrl,
    stop: () => postgres.stop(),
    async start() {
      postgres = await startEmbeddedPostgres({ directory, port });
    },
    release: () => postgres.stop(),
  };
}

/** Clones a database of the run's PostgreSQL. */
export async function cloneDatabase(): Promise<StackDatabase> {
  const { url, superuserUrl = url, close } = await makeTestDatabase('partitioned');
  const refuse = async () => {
    throw new Error('This database is shared with other tests: ask for a stack with ownDatabase');
  };
  const release = async () => {
    const owner = new Client({ connectionString: url });
    await owner.connect();
    await dropOrganizationRoles(owner);
    await owner.end();
    await close();
  };
  return { url, superuserUrl, stop: refuse, start: refuse, release };
}
