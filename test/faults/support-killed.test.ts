import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect } from '../database/tenant.ts';
import { startDesk } from '../proxy/surfaces/support/desk-stack.ts';
import { until } from '../until.ts';

test('a proxy that is killed in the middle of an answer leaves a conversation that says so, and goes on', async (t) => {
  const desk = await startDesk(t, {}, {}, { ownProcess: true });
  const database = await connect(t, desk.stack.database.url);
  const asked = Promise.withResolvers<void>();
  desk.reply = () => {
    asked.resolve();
    return new Promise(() => {});
  };
  const lost = desk.say('How do I reset my password?').catch((error: unknown) => error);
  await asked.promise;
  const pid = desk.stack.proxy.pid() ?? 0;
  process.kill(pid, 'SIGKILL');
  assert.ok((await lost) instanceof Error);
  const list = () => desk.ask('GET', '/conversations', undefined, desk.admin).catch(() => undefined);
  const listed = await until(async () => {
    const answer = await list();
    return answer?.status === 200 && answer;
  }, 'the proxy that takes its place');
  const id = listed.body.conversations[0].conversation_id;
  const messages = async () => (await desk.ask('GET', `/conversations/${id}`)).body.messages;
  const [, pending] = await messages();
  assert.ok(['pending', 'interrupted'].includes(pending.status));
  // As if the 30 seconds were over for which an answer is held.
  await database.query(
    `update chaperone.support_messages set held_until = now() - interval '1 s' where status = 'pending'`,
  );
  const [asks, interrupted] = await messages();
  assert.deepEqual(
    [asks.content, interrupted.status, interrupted.content],
    ['How do I reset my password?', 'interrupted', ''],
  );
  let prompt: readonly string[] = [];
  desk.reply = (texts: readonly string[]) => {
    prompt = texts;
    return {};
  };
  const { status, body } = await desk.say('Are you there? I asked about my password.', { conversation_id: id });
  assert.deepEqual([status, body.escalated], [200, false], JSON.stringify(body));
  assert.ok(prompt.some((text) => text.includes('How do I reset my password?')));
  assert.deepEqual(
    (await messages()).map((one: { status: string }) => one.status),
    ['completed', 'interrupted', 'completed', 'completed'],
  );
});
