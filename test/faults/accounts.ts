import assert from 'node:assert/strict';
import { Client } from 'pg';
import type { Stack } from '../stack.ts';
import { until } from '../until.ts';

/** What became of a call, as its client saw it. */
export interface Seen {
  /** Unique to the call: it goes along as the session, and in the metadata that the provider gets. */
  readonly session: string;
  /** The provider's id, where the client had the whole answer. */
  readonly finishedAs: string | undefined;
}

/** Makes one call: a response, whole or streamed. It never throws. */
export async function makeCall(stack: Stack, session: string, stream: boolean, faults: string): Promise<Seen> {
  try {
    const answer = await fetch(`${stack.baseUrl}/responses`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stack.token}`, 'x-user-id': `user-${session}`, 'x-session-id': session },
      body: JSON.stringify({ model: 'gpt-4o', input: 'Count me', stream, metadata: { sandbox: faults, session } }),
    });
    const text = await answer.text();
    if (!stream) return { session, finishedAs: answer.status === 200 ? JSON.parse(text).id : undefined };
    const completed = /"type":"response\.completed".*"id":"(resp_[0-9a-f]+)"/.exec(text);
    return { session, finishedAs: completed?.[1] };
  } catch {
    return { session, finishedAs: undefined };
  }
}

interface Billed {
  readonly id: string;
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly total_tokens: number;
}

/** The calls that the provider counted, by the session in their metadata. */
async function readBill(stack: Stack): Promise<Map<string, Billed>> {
  const base = new URL('/sandbox/calls', stack.upstreamUrl);
  const { calls } = (await fetch(base).then((answer) => answer.json())) as { calls: Billed[] };
  const bill = new Map<string, Billed>();
  for (const call of calls) {
    const details = (await fetch(`${base}/${call.id}`).then((answer) => answer.json())) as { body: string };
    const { metadata } = JSON.parse(details.body) as { metadata: { session: string } };
    assert.ok(!bill.has(metadata.session), 'the upstream was called twice');
    bill.set(metadata.session, call);
  }
  return bill;
}

/** How many calls the provider has been asked for and has not answered. */
export async function countRunning(stack: Stack): Promise<number> {
  const summary = await fetch(new URL('/sandbox/calls?summary', stack.upstreamUrl)).then((answer) => answer.json());
  const { by_status } = summary as { by_status: Record<string, { calls: number }> };
  return by_status.running?.calls ?? 0;
}

/**
 * Shows that the accounts equal the bill: a record for each call that the upstream counted, none twice, each that its
 * client saw to the end with exactly the upstream's tokens, each other one as one of `cutStatuses`.
 *
 * @returns how many records have each status
 */
export async function assertAccountsEqualBill(
  stack: Stack,
  seen: readonly Seen[],
  cutStatuses: readonly string[],
): Promise<Record<string, number>> {
  const bill = await readBill(stack);
  const client = new Client({ connectionString: stack.database.url });
  await client.connect();
  try {
    const records = await until(async () => {
      const { rows } = await client.query<{
        session_id: string;
        response_id: string | null;
        status: string;
        input_tokens: string | null;
        output_tokens: string | null;
        total_tokens: string | null;
      }>('select session_id, response_id, status, input_tokens, output_tokens, total_tokens from chaperone.requests');
      const sessions = new Set(rows.map((row) => row.session_id));
      return [...bill.keys()].every((session) => sessions.has(session)) && rows;
    }, 'a record for every call that the upstream counted');
    assert.equal(new Set(records.map((record) => record.session_id)).size, records.length, 'a call is recorded twice');
    const bySession = new Map(records.map((record) => [record.session_id, record]));
    const statuses: Record<string, number> = {};
    for (const { status } of records) statuses[status] = (statuses[status] ?? 0) + 1;
    for (const { session, finishedAs } of seen) {
      const record = bySession.get(session);
      const billed = bill.get(session);
      if (finishedAs === undefined) {
        // A call whose client never had its end may still have been settled a moment before.
        if (record && record.status !== 'completed') {
          assert.ok(cutStatuses.includes(record.status), `${session} is ${record.status}`);
          if (record.status === 'interrupted') assert.equal(record.total_tokens, null, 'usage was invented');
        }
        continue;
      }
      assert.equal(billed?.id, finishedAs);
      assert.deepEqual(record, {
        session_id: session,
        response_id: finishedAs,
        status: 'completed',
        input_tokens: String(billed.input_tokens),
        output_tokens: String(billed.output_tokens),
        total_tokens: String(billed.total_tokens),
      });
    }
    return statuses;
  } finally {
    await client.end();
  }
}
