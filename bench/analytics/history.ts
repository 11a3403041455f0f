import { createHash } from 'node:crypto';
import { Client } from 'pg';
import { userIdOf } from '../../database/ids.ts';
import { ensureRequestPartitions } from '../../database/requests.ts';
import type { Installation } from './installation.ts';
import { addVoiceSessions } from './voice-sessions.ts';

/** The shape of an organization's history. */
export const history = {
  days: 90,
  users: 100,
  callsPerSession: 10,
  models: [
    'gpt-4o-mini-2024-07-18',
    'gpt-4o-2024-08-06',
    'gpt-4.1-2025-04-14',
    'gpt-4.1-mini-2025-04-14',
    'o4-mini-2025-04-16',
    'o3-2025-04-16',
    'text-embedding-3-small',
    'gpt-5-2025-08-07',
  ],
  /** How many of a thousand calls are rated. */
  ratedPerMille: 10,
} as const;

export interface Writer {
  /** Adds this many calls of the last 90 days, by insert statements of one day each. */
  add(rows: number): Promise<void>;
  /** Adds so many sessions of the first day alone, with their sums. */
  addFirstDay(sessions: number): Promise<void>;
  /** Adds ratings of the calls that there are, and sessions of voice assistants. */
  complete(): Promise<void>;
  /** The beginning of the first day. */
  readonly firstDay: Date;
  /** The number of calls so far. */
  readonly rows: number;
  /** The number of sessions so far, without the long one. */
  readonly sessions: number;
  close(): Promise<unknown>;
}

export interface HistoryOptions {
  readonly personaIds: readonly string[];
  /** Whether the sums are made. It takes most of the time. */
  readonly hasSums: boolean;
}

/**
 * Makes an organization's history, or goes on with one that was kept. Everything in it derives from the number of a
 * session, so all runs are alike.
 *
 * The sums are made as for real calls: the trigger on `requests` notes the inserted rows, and they are folded.
 */
export async function openHistory(
  installation: Pick<Installation, 'organizationId' | 'databaseUrl'>,
  { personaIds, hasSums }: HistoryOptions,
): Promise<Writer> {
  const { organizationId } = installation;
  const owner = new Client({ connectionString: installation.databaseUrl });
  const folder = new Client({ connectionString: installation.databaseUrl });
  await Promise.all([owner.connect(), folder.connect()]);
  const users = Array.from({ length: history.users }, (_, index) => `user-${index}@example.com`);
  const userIds = users.map((user) => userIdOf(organizationId, user));
  await owner.query(
    `insert into chaperone.users (organization_id, user_id, external_id)
     select $1::uuid, user_id, external_id from unnest($2::uuid[], $3::text[]) u (user_id, external_id)
     on conflict do nothing`,
    [organizationId, userIds, users],
  );
  const today = Math.floor(Date.now() / dayMs) * dayMs;
  const days = Array.from({ length: history.days }, (_, index) => new Date(today - (history.days - index) * dayMs));
  for (const day of days) await ensureRequestPartitions(owner, day);
  await ensureRequestPartitions(owner, new Date(today));
  let { sessions, rows } = await countKept(owner, organizationId);

  const addSessions = async (day: Date, perDay: number) => {
    const values = [day, sessions, perDay, history.callsPerSession, userIds, personaIds, history.models];
    const { rowCount } = await owner.query(insertDay, [organizationId, ...values]);
    sessions += perDay;
    rows += rowCount ?? 0;
  };
  const fold = () => folder.query('select chaperone.fold_usage_of($1::uuid, true)', [organizationId]);
  const complete = async () => {
    if (hasSums) await owner.query(insertRatings, [organizationId, history.ratedPerMille]);
    rows += await addVoiceSessions(owner, organizationId);
    await owner.query('alter table chaperone.requests enable trigger note_usage');
    // In a real database that fills over months, autovacuum does this.
    await owner.query('vacuum (analyze)');
  };

  return {
    firstDay: new Date(today - history.days * dayMs),
    complete,
    get rows() {
      return rows;
    },
    get sessions() {
      return sessions;
    },
    async add(wanted) {
      // Those of a kept history are not exactly as many as were wanted.
      if (wanted < history.days * history.callsPerSession) return;
      await owner.query(`alter table chaperone.requests ${hasSums ? 'enable' : 'disable'} trigger note_usage`);
      const perDay = Math.round(wanted / history.days / history.callsPerSession);
      // The records of one day are folded while those of the next are inserted.
      let folding: Promise<unknown> = Promise.resolve();
      for (const day of days) {
        await addSessions(day, perDay);
        await folding;
        if (hasSums) {
          folding = fold();
          folding.catch(() => {});
        }
      }
      await folding;
      await complete();
    },
    async addFirstDay(perDay) {
      await addSessions(new Date(today - history.days * dayMs), perDay);
      await fold();
    },
    close: () => Promise.all([owner.end(), folder.end()]),
  };
}

const dayMs = 86_400_000;

async function countKept(owner: Client, organizationId: string): Promise<{ rows: number; sessions: number }> {
  const { rows } = await owner.query<{ rows: number; short: number }>(
    `select count(*)::integer as rows, count(*) filter (where session_id like 'sess\\_%')::integer as short
     from chaperone.requests where organization_id = $1::uuid`,
    [organizationId],
  );
  const { rows: all = 0, short = 0 } = rows[0] ?? {};
  return { rows: all, sessions: Math.floor(short / history.callsPerSession) };
}

/** The id of a session, by its number. */
export function sessionOf(number: number): string {
  return `sess_${createHash('md5').update(`session ${number}`).digest('hex').slice(0, 24)}`;
}

/**
 * Sessions begin all day, so that some go on after midnight. Few users, models and personas have most of the calls. A
 * session has one persona, if any, and now and then a call to another model. Ids begin with the time, as OpenAI's do.
 */
const insertDay = `
  insert into chaperone.requests (organization_id, request_id, started_at, kind, operation, user_id, session_id, persona_id,
    provider, requested_model, model, is_stream, status, http_status, response_id, input_tokens, cached_input_tokens,
    cache_write_tokens, output_tokens, reasoning_tokens, total_tokens, cost_usd, duration_ms)
  select $1::uuid, 'req_' || lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || substr(md5(session || '/' || call), 1, 20),
    at, 'call', 'responses', ($6::uuid[])[1 + floor(who * who * cardinality($6::uuid[]))::integer],
    'sess_' || substr(md5('session ' || session), 1, 24),
    case when which < 0.7 then ($7::uuid[])[1 + floor(which / 0.7 * which / 0.7 * cardinality($7::uuid[]))::integer] end,
    'openai', model, model, luck < 0.5,
    case when luck < 0.96 then 'completed' when luck < 0.99 then 'failed' else 'cancelled' end, 200,
    'resp_' || to_hex(extract(epoch from at)::bigint) || md5(session || ':' || call),
    case when luck < 0.96 then tokens end, 0, 0, case when luck < 0.96 then tokens / 3 end, 0,
    case when luck < 0.96 then tokens + tokens / 3 end,
    case when luck < 0.95 then tokens * 0.00000125 end, 300 + (luck * 5000)::integer
  from (
    select session, call, who, which, luck, 50 + floor(luck * 3000)::bigint as tokens,
      $2::timestamptz + interval '1 second' * floor(86400 * begin_at + 40 * call + 20 * luck) as at,
      ($8::text[])[1 + floor(power(case when luck < 0.1 then luck * 10 else likes end, 3) * cardinality($8::text[]))::integer] as model
    from (
      select session, (hashint8(session) & 2147483647) / 2147483648.0::float8 as who,
        (hashint8(session + 1000000007) & 2147483647) / 2147483648.0::float8 as which,
        (hashint8(session + 2000000011) & 2147483647) / 2147483648.0::float8 as likes,
        (hashint8(session + 3000000019) & 2147483647) / 2147483648.0::float8 as begin_at
      from generate_series($3::bigint, $3::bigint + $4::bigint - 1) session
    ) s
      cross join lateral (
        select call, (hashint8(session * 1009 + call) & 2147483647) / 2147483648.0::float8 as luck
        from generate_series(1, $5::bigint) call
      ) c
  ) r
  order by at`;

const insertRatings = `
  insert into chaperone.ratings (organization_id, request_id, response_id, user_id, rating, rated_at, call_kind, persona_id,
    model, requested_model)
  select organization_id, request_id, response_id, user_id, case when hashtext(request_id) % 5 = 0 then -1 else 1 end,
    started_at + interval '1 minute', kind, persona_id, model, requested_model
  from chaperone.requests
  where organization_id = $1::uuid and (hashtext(response_id) & 2147483647) % 1000 < $2::integer
  on conflict do nothing`;
