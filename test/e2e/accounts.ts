import assert from 'node:assert/strict';
import { until } from '../until.ts';
import { type CallOutcome, query, type Tenant, withService } from './cluster.ts';

/**
 * Shows that there is a record for every call that the provider counted, and that those that were answered have the
 * provider's id and tokens. The calls' sessions begin with the tenant's name, and stand in their metadata.
 */
export async function assertAccounts(
  { name, organizationId }: Pick<Tenant, 'name' | 'organizationId'>,
  answered: readonly CallOutcome[],
): Promise<void> {
  const bill = await readBill(name);
  assert.ok(answered.every(({ session, id }) => bill.get(session)?.id === id));
  const records = await until(async () => {
    const found = await readRecords(organizationId);
    return [...bill.keys()].every((session) => found.has(session)) && found;
  }, 'a record for every call that the provider counted');
  for (const { session, id } of answered) {
    const { total_tokens } = bill.get(session) ?? {};
    assert.deepEqual(records.get(session), { response_id: id, status: 'completed', total_tokens });
  }
}

interface Billed {
  readonly id: string;
  readonly total_tokens: number;
}

/** What the sandbox counted, by the session in the calls' metadata. */
function readBill(prefix: string): Promise<Map<string, Billed>> {
  return withService('chaperone-sandbox', 8080, async (port) => {
    const base = `http://127.0.0.1:${port}/sandbox/calls`;
    const read = async (url: string) => (await fetch(url)).json();
    const { calls: billed } = (await read(base)) as { calls: Billed[] };
    const bill = new Map<string, Billed>();
    for (const { id, total_tokens } of billed) {
      const { body } = (await read(`${base}/${id}`)) as { body: string };
      const session: string | undefined = JSON.parse(body).metadata?.session;
      if (!session?.startsWith(prefix)) continue;
      assert.ok(!bill.has(session), 'the provider was called twice');
      bill.set(session, { id, total_tokens });
    }
    return bill;
  });
}

async function readRecords(organizationId: string) {
  const rows = await query<{ session_id: string; response_id: string; status: string; total_tokens: string | null }>(
    'select session_id, response_id, status, total_tokens from chaperone.requests where organization_id = $1',
    [organizationId],
  );
  assert.equal(new Set(rows.map((row) => row.session_id)).size, rows.length, 'a call is recorded twice');
  return new Map(
    rows.map(({ session_id, total_tokens, ...row }) => [session_id, { ...row, total_tokens: Number(total_tokens) }]),
  );
}
