import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'pg';

const lookMs = 5;

/** Looks again and again which tenants' sessions wait for a lock. `stop` says how long each wait was seen to last, in milliseconds. */
export async function watchLocks(databaseUrl: string) {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  /** By the session and the beginning of its wait. */
  const longest = new Map<string, number>();
  let isOver = false;
  const look = async () => {
    while (!isOver) {
      const { rows } = await client.query<{ wait: string; ms: number }>(
        `select l.pid || ' ' || l.waitstart as wait, extract(epoch from clock_timestamp() - l.waitstart)::float8 * 1000 as ms
         from pg_locks l join pg_stat_activity a using (pid)
         where not l.granted and l.waitstart is not null and a.usename like 'chaperone\\_org\\_%'`,
      );
      for (const { wait, ms } of rows) longest.set(wait, Math.max(ms, longest.get(wait) ?? 0));
      await delay(lookMs);
    }
  };
  const looking = look();
  // `stop` rejects with it.
  looking.catch(() => {});
  return {
    async stop(): Promise<readonly number[]> {
      isOver = true;
      await looking;
      await client.end();
      return [...longest.values()];
    },
  };
}
