import { Client } from 'pg';

/** Stores conversations of a year, with the sums that the trigger would have kept. */
export async function storeConversations(databaseUrl: string, organizationId: string, count: number): Promise<void> {
  const db = new Client({ connectionString: databaseUrl });
  await db.connect();
  try {
    await db.query('alter table chaperone.support_conversations disable trigger count_support');
    await db.query(
      `insert into chaperone.support_conversations (organization_id, conversation_id, user_id, channel, status, answers,
         response_ms, rating, created_at, escalated_at)
       select $1::uuid, 'conv_' || lpad(to_hex(n), 24, '0'), gen_random_uuid(), 'chat',
         case when n % 5 = 0 then 'escalated' when n % 7 = 0 then 'active' else 'resolved' end, n % 4, n % 4 * 2300,
         case when n % 3 = 0 then n % 5 + 1 end, timestamptz '2026-01-01Z' + n % 31536000 * interval '1 s' * 31,
         case when n % 5 = 0 then now() end
       from generate_series(1, $2::integer) n`,
      [organizationId, count],
    );
    await db.query(
      `insert into chaperone.support_days
       select organization_id, (created_at at time zone 'UTC')::date, count(*),
         count(*) filter (where status = 'resolved' and escalated_at is null), count(escalated_at), sum(answers),
         sum(response_ms), count(rating), coalesce(sum(rating), 0)
       from chaperone.support_conversations where organization_id = $1::uuid group by 1, 2`,
      [organizationId],
    );
    await db.query('alter table chaperone.support_conversations enable trigger count_support');
    await db.query('analyze chaperone.support_conversations');
  } finally {
    await db.end();
  }
}
