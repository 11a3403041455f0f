import { chown, cp, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { makeDirectory } from '../../../directories.ts';
import { skip as noPgBouncer, startPgBouncer } from '../../../pgbouncer.ts';
import { viaPort } from '../../../tcp-relay.ts';
import { until } from '../../../until.ts';
import type { Fault, Strike } from '../fault.ts';
import { metricOf } from '../installation.ts';
import { killPostgres, killServer } from '../kill.ts';
import { startStandby } from '../standby.ts';
import { mountVolume, volumesLack } from '../volume.ts';

/** With these, calls that need the database are refused while it is away. */
const refusals = ['store_unavailable', 'quota_unavailable'];

async function stopFor(strike: Strike, ms: number): Promise<void> {
  await strike.stack.database.stop();
  await whileNoticed(strike, 100);
  await sleep(ms);
  await strike.stack.database.start();
}

/** Waits for answers, and until the proxy has failed to copy its records: a fault that nobody notices shows nothing. */
async function whileNoticed({ proxy, answers }: Strike, count: number): Promise<void> {
  const failures = async () => {
    const text = await (await fetch(`http://127.0.0.1:${proxy.metricsPort}/metrics`)).text();
    return metricOf(text, 'chaperone_spool_failures_total');
  };
  const before = await failures();
  await answers(count);
  await until(async () => (await failures()) > before, 'the proxy to notice');
}

/** Takes every connection that PostgreSQL gives, also those that proxies have had. */
async function takeConnections(strike: Strike): Promise<readonly Client[]> {
  const taken: Client[] = [];
  const take = async () => {
    for (;;) {
      const client = new Client({ connectionString: strike.superuserUrl });
      client.on('error', () => {});
      try {
        await client.connect();
      } catch {
        return;
      }
      taken.push(client);
    }
  };
  await until(async () => {
    await take();
    const { rows } = (await taken[0]?.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where usename like 'chaperone_org_%'`,
    )) ?? { rows: [] };
    return rows.length === 0;
  }, 'proxies to have no connection');
  return taken;
}

const setReadOnly = async ({ query }: Strike, value: 'on' | 'off') => {
  await query(`alter system set default_transaction_read_only = ${value}`);
  await query('select pg_reload_conf()');
};

/** The credentials of a proxy that reaches PostgreSQL at another port. */
async function viaPooler({ scope, stack }: Strike, port: number): Promise<string> {
  const directory = await makeDirectory(scope);
  await cp(stack.credentialsDirectory, directory, { recursive: true, dereference: true });
  const file = join(directory, 'database-url');
  await writeFile(file, viaPort((await readFile(file, 'utf8')).trim(), port));
  return directory;
}

/** What writes for PostgreSQL: its processes that serve connections, and those in its background. */
async function serverProcesses({ query }: Strike): Promise<number[]> {
  const rows = await query<{ pid: number }>('select pid from pg_stat_activity where pid <> pg_backend_pid()');
  return rows.map(({ pid }) => pid);
}

function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch {
      // Its connection has ended.
    }
  }
}

const fillTablespace = `
  create table public.filler (filler text) tablespace small;
  do $$
  declare rows int := 10000;
  begin
    while rows > 0 loop
      begin
        insert into public.filler select repeat('x', 1000) from generate_series(1, rows);
      exception when disk_full then
        rows := rows / 2;
      end;
    end loop;
  end $$`;

export const postgresql: readonly Fault[] = [
  {
    name: 'PostgreSQL is killed, and starts again',
    ...{ isCore: true, refusals },
    strike: (strike) => killPostgres(strike, 1_000),
  },
  {
    name: 'PostgreSQL is stopped for 5 seconds',
    ...{ refusals },
    strike: (strike) => stopFor(strike, 5_000),
  },
  { name: 'PostgreSQL is stopped for 2 minutes', refusals, strike: (strike) => stopFor(strike, 120_000) },
  {
    name: 'PostgreSQL has no connection left',
    ...{ refusals },
    async strike(strike) {
      const taken = await takeConnections(strike);
      await whileNoticed(strike, 100);
      await Promise.all(taken.map((client) => client.end()));
    },
  },
  {
    name: 'PostgreSQL is read-only',
    ...{ refusals },
    async strike(strike) {
      await setReadOnly(strike, 'on');
      await whileNoticed(strike, 100);
      await setReadOnly(strike, 'off');
    },
  },
  {
    name: 'the disk of PostgreSQL is full',
    ...{ refusals, lacks: volumesLack },
    async strike(strike) {
      const { directory } = mountVolume(strike.scope, '64m');
      const [row] = await strike.query<{ data_directory: string }>('show data_directory');
      const { uid, gid } = await stat(row?.data_directory ?? '');
      await chown(directory, uid, gid);
      await strike.query(`create tablespace small location '${directory}'`);
      const [partition] = await strike.query<{ name: string }>(
        `select tableoid::regclass::text as name from chaperone.requests order by started_at desc limit 1`,
      );
      await strike.query(`alter table ${partition?.name} set tablespace small`);
      await strike.query(fillTablespace);
      await whileNoticed(strike, 200);
      await strike.query('drop table public.filler');
      await strike.answers(20);
      await strike.query(`alter table ${partition?.name} set tablespace pg_default`);
      await strike.query('drop tablespace small');
    },
  },
  {
    name: 'PostgreSQL commits, and its answers are lost',
    isCore: true,
    refusals,
    async strike({ databaseRelay, answers }) {
      for (let time = 0; time < 8; time += 1) {
        databaseRelay.loseNextAnswer();
        await answers(15);
      }
    },
  },
  {
    name: 'PostgreSQL is lost, and a standby takes its place',
    refusals,
    async strike(strike) {
      const { databaseRelay, stack, superuserUrl } = strike;
      const standby = await startStandby(strike.scope, strike);
      await strike.answers(60);
      await killServer(strike);
      await standby.promote();
      databaseRelay.direct(standby.port);
      await strike.answers(150);
      // The other faults need the first server: it goes on with what the standby has.
      await standby.handBack();
      await stack.database.start();
      databaseRelay.direct(Number(new URL(superuserUrl).port));
      await strike.answers(30);
    },
  },
  {
    name: 'PgBouncer is between, and is started again and again',
    refusals,
    lacks: () => (noPgBouncer === false ? undefined : 'it needs pgbouncer'),
    async strike(strike) {
      const { superuserUrl, scope } = strike;
      const databasePort = Number(new URL(superuserUrl).port);
      const pooler = await startPgBouncer(scope, { poolMode: 'transaction', databasePort, superuserUrl });
      const credentialsDirectory = await viaPooler(strike, pooler.port);
      strike.use(await strike.startProxy({ credentialsDirectory }));
      for (let time = 0; time < 5; time += 1) {
        await strike.answers(40);
        await pooler.restart();
      }
    },
  },
  {
    name: 'PostgreSQL is slow, as on an overloaded disk',
    refusals,
    async strike(strike) {
      const pids = await serverProcesses(strike);
      for (let time = 0; time < 30; time += 1) {
        signalAll(pids, 'SIGSTOP');
        await sleep(400);
        signalAll(pids, 'SIGCONT');
        await sleep(100);
      }
      await strike.answers(40);
    },
  },
  {
    name: 'a table of PostgreSQL is locked for 15 seconds',
    refusals,
    strike: (strike) =>
      strike.withDatabase(async (holder) => {
        await holder.query('begin; lock table chaperone.requests in access exclusive mode');
        await sleep(15_000);
        await holder.query('rollback');
      }),
  },
];
