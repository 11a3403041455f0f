import { join } from 'node:path';
import { Client } from 'pg';
import { startEmbeddedPostgres } from '../../../cli/embedded-postgres.ts';
import { openHistory, history as shape } from '../../analytics/history.ts';
import { startInstallation } from '../../analytics/installation.ts';
import { makePersonas } from '../../analytics/personas.ts';
import type { PartContext } from '../part.ts';
import { copyFirstDay } from './copies.ts';

/** What was made in a directory. */
export interface Made {
  /** How many rows were asked for. */
  readonly wanted: number;
  readonly rows: number;
  readonly seconds: number;
  /** The disk space of a row of `requests`, with its indexes. */
  readonly rowBytes: number;
  /** 1: the sums of all days equal those of all rows. */
  readonly sumsEqual: number;
  readonly personaIds: readonly string[];
}

/** While rows are made, nothing else uses the database, and a crash would only mean to begin again. */
const fastSettings = {
  ...{ fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', wal_level: 'minimal', max_wal_senders: '0' },
  ...{ shared_buffers: '3GB', max_wal_size: '2GB', checkpoint_timeout: '30min', maintenance_work_mem: '1GB' },
  ...{ autovacuum: 'off', work_mem: '256MB', temp_file_limit: '-1', jit: 'off' },
};

/** Makes an installation with a history of so many rows, and stops it. */
export async function makeRows(resources: string, context: PartContext): Promise<Made> {
  const { count, directory, note } = context;
  const installation = await startInstallation(directory, context, resources);
  const personaIds = await makePersonas(installation);
  await installation.stop();

  const postgres = await startEmbeddedPostgres({
    directory: join(directory, 'chaperone', 'postgres'),
    settings: fastSettings,
  });
  context.onEnd(() => postgres.stop());
  note('Making the rows ...');
  const startedAtMs = performance.now();
  const { organizationId } = installation;
  const history = await openHistory({ organizationId, databaseUrl: postgres.url }, { personaIds, hasSums: true });
  const sessionsOfDay = Math.max(1, Math.round(count / shape.days / shape.callsPerSession));
  await history.addFirstDay(sessionsOfDay);
  note('The first day is there. Making the others from it ...');
  const { firstDay } = history;
  await copyFirstDay({ databaseUrl: postgres.url, firstDay, days: shape.days, sessionsOfDay, note });
  await history.complete();
  const seconds = Math.round((performance.now() - startedAtMs) / 1_000);
  await history.close();
  note('Comparing the sums with the rows ...');
  const compared = await compareSums(postgres.url);
  await postgres.stop();
  return { wanted: count, seconds, personaIds, ...compared };
}

/** Compares the sums by day, user and persona with all rows, and reads how large those are. */
async function compareSums(databaseUrl: string): Promise<Pick<Made, 'rows' | 'rowBytes' | 'sumsEqual'>> {
  const owner = new Client({ connectionString: databaseUrl });
  await owner.connect();
  try {
    const { rows } = await owner.query<{ rows: number; row_bytes: number; equal: number }>(
      `with r as (
         select count(*) as calls, sum(total_tokens) as tokens, sum(cost_usd) as cost from chaperone.requests
       ), d as (
         select sum(completed_count::bigint + failed_count + cancelled_count + interrupted_count) as calls,
           sum(total_tokens) as tokens, sum(cost_usd) as cost
         from chaperone.daily_usage where grain = 'both'
       ), p as (
         select sum(pg_total_relation_size(inhrelid)) as bytes from pg_inherits where inhparent = 'chaperone.requests'::regclass
       )
       select r.calls::float8 as rows, (p.bytes / r.calls)::float8 as row_bytes,
         (r.calls = d.calls and r.tokens = d.tokens and r.cost = d.cost)::integer as equal
       from r, d, p`,
    );
    const [all] = rows;
    return { rows: all?.rows ?? 0, rowBytes: Math.round(all?.row_bytes ?? 0), sumsEqual: all?.equal ?? 0 };
  } finally {
    await owner.end();
  }
}
