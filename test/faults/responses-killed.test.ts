import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Client } from 'pg';
import { everyModel } from '../proxy/sockets/realtime-client.ts';
import { openResponses, type ResponsesClient } from '../proxy/sockets/responses-client.ts';
import { startStack } from '../stack.ts';
import { until } from '../until.ts';

interface Billed {
  readonly id: string;
  readonly status: string;
  readonly input_tokens: number;
  readonly output_tokens: number;
}

it('kill -9 of the proxy amid sessions of the Responses API loses no response and invents none', async (t) => {
  const stack = await startStack(t, { prepare: everyModel(), ownProcess: true });

  /** Asks for one response after another, in two lanes, until its session is cut. */
  const ask = async (client: ResponsesClient, number: number) => {
    let previous: unknown;
    for (let turn = 0; ; turn += 1) {
      const metadata = { sandbox: `words=${20 + number},delta-delay=${number % 5}` };
      client.create({
        input: `turn ${turn}`,
        metadata,
        ...(previous !== undefined && { previous_response_id: previous }),
      });
      if (number % 2 === 0) {
        client.create({ input: `beside ${turn}`, metadata, stream_id: 'other' });
        await client.next('response.completed');
      }
      previous = (await client.next('response.completed')).response.id;
    }
  };
  const clients = await Promise.all(
    Array.from({ length: 12 }, (_, number) =>
      openResponses(t, stack, { 'x-user-id': 'ada', 'x-session-id': `killed-${number}` }),
    ),
  );
  const asking = clients.map((client, number) => ask(client, number).catch(() => {}));
  const done = () => clients.flatMap(({ events }) => events.filter(({ type }) => type === 'response.completed'));
  await until(() => done().length >= 60, '60 responses to be done');
  const pid = stack.proxy.pid() ?? 0;
  process.kill(pid, 'SIGKILL');
  await Promise.all(asking);
  await until(() => stack.proxy.pid() !== pid, 'the proxy to be started again');

  const base = new URL('/sandbox/calls', stack.upstreamUrl);
  const readBill = async () => ((await fetch(base).then((answer) => answer.json())) as { calls: Billed[] }).calls;
  await until(async () => (await readBill()).every(({ status }) => status !== 'running'), 'the provider to be done');
  const bill = await readBill();
  const db = new Client({ connectionString: stack.database.url });
  await db.connect();
  const { rows } = await until(async () => {
    const found = await db.query(
      `select status, response_id, input_tokens::int, output_tokens::int, total_tokens::int
       from chaperone.requests where session_id like 'killed-%'`,
    );
    return found.rows.length >= bill.length && found;
  }, 'a record of everything that the provider has counted').finally(() => db.end());
  const known = new Map(rows.filter(({ response_id: id }) => id !== null).map((row) => [row.response_id, row]));
  const interrupted = rows.filter(({ status }) => status === 'interrupted');
  let unmatched = 0;
  for (const { id, input_tokens, output_tokens } of bill) {
    const record = known.get(id);
    if (!record) {
      unmatched += 1;
      continue;
    }
    assert.deepEqual([record.input_tokens, record.output_tokens], [input_tokens, output_tokens], id);
    known.delete(id);
  }
  assert.equal(known.size, 0, 'a response was invented');
  for (const { total_tokens: total } of interrupted) assert.equal(total, null, 'usage was invented');
  assert.ok(unmatched <= interrupted.length, `${unmatched} responses unknown, ${interrupted.length} interrupted`);
  assert.ok(interrupted.length <= unmatched + 2 * clients.length, 'more was interrupted than could be under way');
  // Everything that a client saw to its end is exact.
  for (const { response } of done()) assert.ok(bill.some(({ id }) => id === response.id));
  t.diagnostic(`${bill.length} responses, ${interrupted.length} interrupted records`);
});
