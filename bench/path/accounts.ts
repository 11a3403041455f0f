import { Client } from 'pg';
import { usage } from './exchange.ts';

const patienceMs = 60_000;
const pauseMs = 100;

export interface Accounts {
  /** The number of rows. */
  readonly rows: number;
  /**
   * The number of distinct calls with exactly the upstream's tokens, a price, a persona, a key, a user and a session.
   */
  readonly exact: number;
}

/** Reads the calls in Postgres, once as many have arrived as were made, or no more arrive. */
export async function readAccounts(databaseUrl: string, calls: number): Promise<Accounts> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const deadline = performance.now() + patienceMs;
    let accounts = await count(client);
    while (accounts.rows < calls && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      accounts = await count(client);
    }
    return accounts;
  } finally {
    await client.end();
  }
}

async function count(client: Client): Promise<Accounts> {
  const { rows } = await client.query<Record<keyof Accounts, string>>(
    `select
      count(*) as rows,
      count(distinct request_id) filter (
        where status = 'completed' and input_tokens = $1 and output_tokens = $2 and total_tokens = $3
          and cost_usd > 0 and persona_id is not null and api_key_id is not null and session_id like 'sess_bench_%'
      ) as exact
    from chaperone.requests`,
    [usage.prompt_tokens, usage.completion_tokens, usage.total_tokens],
  );
  const [counts] = rows;
  return { rows: Number(counts?.rows ?? 0), exact: Number(counts?.exact ?? 0) };
}
