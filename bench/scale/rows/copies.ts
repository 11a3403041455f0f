import { Client } from 'pg';
import { type Column, dropIndexes, listColumns, listKey } from './tables.ts';

export interface CopyOptions {
  readonly databaseUrl: string;
  readonly firstDay: Date;
  readonly days: number;
  /** How many sessions a day has. */
  readonly sessionsOfDay: number;
  /** Shows progress. */
  readonly note: (text: string) => void;
}

interface Task {
  readonly what: string;
  run(client: Client): Promise<void>;
}

const dayMs = 86_400_000;
/** One for each core of a small machine. */
const workers = 2;
/** Sums of sessions: no key of one day is a key of another. */
const ofSessions = ['session_facets', 'session_usage', 'sessions'];
/** Sums of days: what goes on after midnight is in those of the next day. */
const ofDays = ['daily_usage', 'session_spans', 'facet_spans'];

/**
 * Makes the other days of a history from its first one, whose records have been folded: the same calls, by sessions of
 * their own, with the sums that a fold would make. That takes a fraction of the time, and of the disk.
 */
export async function copyFirstDay(options: CopyOptions): Promise<void> {
  await withClient(options, (client) => prepare(client, options));
  const firstMonth = monthOf(options.firstDay);
  const months = Math.ceil(options.days / 28) + 1;
  const tasks: Task[] = [
    ...Array.from({ length: months }, (_, index) => {
      const month = monthOf(firstMonth, index);
      return { what: `calls of ${nameOf(month)}`, run: (client: Client) => copyCalls(client, month, options) };
    }),
    ...ofSessions.map((what) => ({ what, run: (client: Client) => copySessions(client, what, options) })),
    ...ofDays.map((what) => ({ what, run: (client: Client) => copySums(client, what, options) })),
  ];
  const work = async (client: Client) => {
    for (let task = tasks.shift(); task; task = tasks.shift()) {
      const startedAtMs = performance.now();
      await task.run(client);
      options.note(`  ${task.what}: ${Math.round((performance.now() - startedAtMs) / 1_000)} s`);
    }
  };
  await Promise.all(Array.from({ length: workers }, () => withClient(options, work)));
  await withClient(options, async (client) => {
    await sumWeeks(client);
    await client.query('drop schema bench cascade');
  });
}

async function withClient(
  { databaseUrl }: Pick<CopyOptions, 'databaseUrl'>,
  run: (client: Client) => Promise<void>,
): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    // A scan begins at the beginning, so that copies are in the order of time.
    await client.query(`set timezone = 'UTC'; set synchronize_seqscans = off`);
    await run(client);
  } finally {
    await client.end();
  }
}

/** Keeps the first day aside, with the numbers of its sessions. */
async function prepare(client: Client, { sessionsOfDay }: CopyOptions): Promise<void> {
  await client.query('create schema bench');
  await client.query(
    `create unlogged table bench.numbers as
     select 'sess_' || substr(md5('session ' || number), 1, 24) as session_id, number
     from generate_series(0, ${sessionsOfDay - 1}) number`,
  );
  await client.query('analyze bench.numbers');
  for (const table of ['requests', ...ofSessions]) {
    const order = table === 'requests' ? 'order by started_at' : '';
    await client.query(
      `create unlogged table bench.${table} as
       select t.*, number from chaperone.${table} t join bench.numbers using (session_id) ${order}`,
    );
  }
  for (const table of ofDays) {
    await client.query(`create unlogged table bench.${table} as select * from chaperone.${table}`);
  }
}

const nameOf = (month: Date) => month.toISOString().slice(0, 7);
const monthOf = (day: Date, later = 0) => new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + later, 1));

/** Fills the partition of a month. It is made anew, and gets its indexes at the end. */
async function copyCalls(client: Client, month: Date, options: CopyOptions): Promise<void> {
  const end = monthOf(month, 1);
  const table = `chaperone.requests_${nameOf(month).replace('-', '_')}`;
  const columns = await listColumns(client, 'requests');
  const bounds = `started_at >= '${month.toISOString()}' and started_at < '${end.toISOString()}'`;
  await client.query(`drop table if exists ${table}`);
  await client.query('begin');
  await client.query(`create table ${table} (like chaperone.requests including defaults including constraints)`);
  // With it, nobody reads the whole table again when it becomes a partition.
  await client.query(`alter table ${table} enable row level security, add constraint bounds check (${bounds})`);
  for (const later of daysOf(options)) {
    const atMs = options.firstDay.getTime() + later * dayMs;
    // A session that began before the month may go on in it.
    if (atMs + 2 * dayMs < month.getTime() || atMs >= end.getTime()) continue;
    await client.query(
      `insert into ${table} (${columns.map(({ name }) => name)})
       select * from (
         select ${columns.map((column) => shifted(column, later, options))} from bench.requests t
       ) c where ${bounds}`,
    );
  }
  await client.query(
    `alter table chaperone.requests attach partition ${table}
     for values from ('${month.toISOString()}') to ('${end.toISOString()}')`,
  );
  await client.query(`alter table ${table} drop constraint bounds`);
  await client.query('commit');
}

async function copySessions(client: Client, table: string, options: CopyOptions): Promise<void> {
  const columns = await listColumns(client, table);
  await client.query('begin');
  await client.query(`truncate chaperone.${table}`);
  const restore = await dropIndexes(client, table);
  for (const later of daysOf(options)) {
    await client.query(
      `insert into chaperone.${table} (${columns.map(({ name }) => name)})
       select ${columns.map((column) => shifted(column, later, options))} from bench.${table} t`,
    );
  }
  await restore();
  await client.query('commit');
}

async function copySums(client: Client, table: string, options: CopyOptions): Promise<void> {
  const columns = await listColumns(client, table);
  const key = await listKey(client, table);
  const copies = daysOf(options).map(
    (later) => `select ${columns.map((column) => shifted(column, later, options))} from bench.${table} t`,
  );
  await client.query(`truncate chaperone.${table}`);
  await client.query(
    `insert into chaperone.${table} (${columns.map(({ name }) => name)})
     select ${columns.map((column) => summed(column, key))} from (${copies.join(' union all ')}) c group by ${key}`,
  );
}

async function sumWeeks(client: Client): Promise<void> {
  const columns = await listColumns(client, 'daily_usage');
  const key = await listKey(client, 'daily_usage');
  await client.query('truncate chaperone.weekly_usage');
  await client.query(
    `insert into chaperone.weekly_usage (${columns.map(({ name }) => (name === 'day' ? 'week' : name))})
     select ${columns.map((column) => (column.name === 'day' ? week : summed(column, key)))}
     from chaperone.daily_usage group by ${key.map((name) => (name === 'day' ? week : name))}`,
  );
}

const week = `date_trunc('week', day::timestamp)::date`;

const daysOf = ({ days }: CopyOptions) => Array.from({ length: days }, (_, later) => later);

/** What a column of the first day is so many days later. Ids begin with the time, as they do in the first day. */
function shifted({ name, type }: Column, later: number, { sessionsOfDay }: CopyOptions): string {
  const hours = `interval '${24 * later} hours'`;
  if (name === 'session_id')
    return `'sess_' || substr(md5('session ' || number + ${later * sessionsOfDay}), 1, 24) as ${name}`;
  if (name === 'request_id') {
    const ms = `(extract(epoch from started_at + ${hours}) * 1000)::bigint`;
    return `'req_' || lpad(to_hex(${ms}), 12, '0') || substr(request_id, 17) as ${name}`;
  }
  if (name === 'response_id') {
    return `'resp_' || to_hex(extract(epoch from started_at + ${hours})::bigint) || right(response_id, 32) as ${name}`;
  }
  if (type === 'date') return `${name} + ${later} as ${name}`;
  if (type === 'timestamp with time zone') return `${name} + ${hours} as ${name}`;
  if (type === 'timestamp with time zone[]') return `array(select at + ${hours} from unnest(${name}) at) as ${name}`;
  return name;
}

function summed({ name, type }: Column, key: readonly string[]): string {
  if (key.includes(name)) return name;
  return type === 'timestamp with time zone' ? `max(${name})` : `sum(${name})`;
}
