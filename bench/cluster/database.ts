import { join } from 'node:path';
import { Client } from 'pg';
import { startEmbeddedPostgres } from '../../cli/embedded-postgres.ts';
import type { BenchmarkContext } from '../benchmark.ts';

export interface CountingDatabase {
  /** URL with the owner's login, which the operator uses. */
  readonly url: string;
  readonly superuserUrl: string;
  /** Of its first process. */
  readonly pid: number;
  /** The number of statements that the owner has sent so far, without those inside functions and triggers. */
  countStatements(): Promise<number>;
}

/** A PostgreSQL with default settings that counts statements. */
export async function startDatabase(directory: string, { onEnd }: BenchmarkContext): Promise<CountingDatabase> {
  const postgres = await startEmbeddedPostgres({
    directory: join(directory, 'postgres'),
    settings: { shared_preload_libraries: 'pg_stat_statements' },
  });
  onEnd(() => postgres.stop());
  const superuser = new Client({ connectionString: postgres.superuserUrl });
  await superuser.connect();
  onEnd(() => superuser.end());
  await superuser.query('create extension pg_stat_statements');
  return {
    url: postgres.url,
    superuserUrl: postgres.superuserUrl,
    pid: postgres.pid,
    async countStatements() {
      const { rows } = await superuser.query<{ calls: string }>(
        'select coalesce(sum(calls), 0) as calls from pg_stat_statements where userid = $1::regrole',
        [new URL(postgres.url).username],
      );
      return Number(rows[0]?.calls ?? 0);
    },
  };
}
