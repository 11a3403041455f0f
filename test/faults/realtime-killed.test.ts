import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Client } from 'pg';
import { everyModel, openRealtime, type RealtimeClient, says, sound } from '../proxy/sockets/realtime-client.ts';
import { startStack } from '../stack.ts';
import { until } from '../until.ts';

interface Billed {
  readonly id: string;
  readonly endpoint: string;
  readonly status: string;
  readonly input_tokens: number;
  readonly output_tokens: number;
}

it('kill -9 of the proxy amid sessions that speak and write loses no response and invents none', async (t) => {
  const stack = await startStack(t, { prepare: everyModel(), ownProcess: true });

  /** Talks until its session is cut. */
  const talk = async (realtime: RealtimeClient, number: number) => {
    const tracing = { metadata: { sandbox: `words=${20 + number},delta-delay=${number % 5}` } };
    const isSpoken = number % 2 === 0;
    const audio = { input: isSpoken ? { transcription: { model: 'gpt-4o-transcribe' } } : { turn_detection: null } };
    realtime.send({ type: 'session.update', session: { type: 'realtime', tracing, audio } });
    await realtime.next('session.updated');
    for (let turn = 0; ; turn += 1) {
      if (isSpoken) {
        realtime.send({ type: 'input_audio_buffer.append', audio: sound('speech', 0.25) });
        // Speech takes longer than its beginning takes to be heard of.
        await realtime.next('input_audio_buffer.speech_started');
        realtime.send({ type: 'input_audio_buffer.append', audio: sound('silence', 0.1) });
      } else {
        realtime.send(says(`turn ${turn}`));
        realtime.send({ type: 'response.create' });
      }
      // Some are interrupted, by speech or by the client.
      if (turn % 3 === 1) {
        await realtime.next('response.output_audio.delta');
        realtime.send({ type: 'response.cancel' });
      }
      await realtime.next('response.done');
    }
  };
  const clients = await Promise.all(
    Array.from({ length: 12 }, (_, number) =>
      openRealtime(t, stack, { headers: { 'x-user-id': 'ada', 'x-session-id': `killed-${number}` } }),
    ),
  );
  const talks = clients.map((client, number) => talk(client, number).catch(() => {}));
  const done = () => clients.flatMap(({ events }) => events.filter(({ type }) => type === 'response.done'));
  await until(() => done().length >= 60, '60 responses to be done');
  const pid = stack.proxy.pid() ?? 0;
  process.kill(pid, 'SIGKILL');
  await Promise.all(talks);
  await until(() => stack.proxy.pid() !== pid, 'the proxy to be started again');

  const base = new URL('/sandbox/calls', stack.upstreamUrl);
  const readBill = async () => ((await fetch(base).then((answer) => answer.json())) as { calls: Billed[] }).calls;
  await until(async () => (await readBill()).every(({ status }) => status !== 'running'), 'the provider to be done');
  const bill = await readBill();
  const responses = bill.filter(({ endpoint }) => endpoint === '/v1/realtime');
  const db = new Client({ connectionString: stack.database.url });
  await db.connect();
  const { rows } = await until(async () => {
    const found = await db.query(
      `select operation, status, response_id, input_tokens::int, output_tokens::int, total_tokens::int
       from chaperone.requests where session_id like 'killed-%'`,
    );
    return found.rows.length >= bill.length && found;
  }, 'a record of everything that the provider has counted').finally(() => db.end());
  const known = new Map(rows.filter(({ response_id: id }) => id !== null).map((row) => [row.response_id, row]));
  const unmatched = responses.filter(({ id }) => !known.has(id));
  const interrupted = rows.filter(({ status }) => status === 'interrupted');
  for (const { id, input_tokens, output_tokens } of responses) {
    const record = known.get(id);
    if (!record) continue;
    assert.deepEqual([record.input_tokens, record.output_tokens], [input_tokens, output_tokens], id);
    known.delete(id);
  }
  assert.equal(known.size, 0, 'a response was invented');
  for (const { total_tokens: total } of interrupted) assert.equal(total, null, 'usage was invented');
  const lost = interrupted.filter(({ operation }) => operation === 'realtime').length;
  assert.ok(unmatched.length <= lost, `${unmatched.length} responses of the provider, ${lost} interrupted records`);
  assert.ok(lost <= unmatched.length + clients.length, 'more was interrupted than could be under way');
  // Everything that a client saw to its end is exact.
  for (const { response } of done()) assert.ok(responses.some(({ id }) => id === response.id));
  t.diagnostic(
    `${responses.length} responses, ${bill.length - responses.length} transcriptions, ${interrupted.length} interrupted records`,
  );
});
