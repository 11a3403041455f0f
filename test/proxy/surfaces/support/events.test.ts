import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { before, describe, it } from 'node:test';
import type { Client } from 'pg';
import { connect } from '../../../database/tenant.ts';
import { suiteScope } from '../../../scope.ts';
import { until } from '../../../until.ts';
import { type Receiver, startReceiver } from '../../../worker/webhooks/receiver.ts';
import { startStackWorker } from '../../../worker/webhooks/start.ts';
import { type Desk, startDesk } from './desk-stack.ts';

const question = 'How do I reset my password?';

describe('the events of contract 2, at a receiver', () => {
  const scope = suiteScope();
  let receiver: Receiver;
  let desk: Desk;
  let secret: string;
  let owner: Client;
  before(async () => {
    receiver = await startReceiver(scope);
    desk = await startDesk(scope, { agents: ['agent_456'] }, { webhookNetworks: ['127.0.0.0/8'] });
    owner = await connect(scope, desk.stack.database.url);
    await startStackWorker(scope, desk.stack);
    const hook = { name: 'crm', url: `${receiver.url}/crm` };
    const made = await desk.ask('POST', '/webhooks', hook, desk.admin);
    assert.equal(made.status, 201, JSON.stringify(made.body));
    secret = made.body.secret;
  });

  /** Those of a conversation, when there are so many. Each is signed as the contract says. */
  const received = async (id: string, count: number) => {
    const found = await until(() => {
      const those = receiver.received.filter(({ json }) => json.data.conversation_id === id);
      return those.length === count && those;
    }, `${count} events`);
    for (const { headers, body, json } of found) {
      assert.equal(headers['content-type'], 'application/json');
      const expected = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
      assert.equal(headers['x-webhook-signature'], expected);
      assert.deepEqual(Object.keys(json), ['event', 'timestamp', 'data']);
      assert.match(json.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    }
    return found.map(({ json }) => [json.event, json.data]);
  };
  const begin = async (reply: object) => {
    desk.reply = reply;
    const { body } = await desk.say(question, { user_id: 'user_12345', channel: 'chat' });
    return body as { conversation_id: string; message_id: string };
  };

  it('begin with a conversation and its message, and end with a hand-over', async () => {
    const { conversation_id: id } = await begin({ cited: [] });
    const common = { conversation_id: id, channel: 'chat', user_id: 'user_12345' };
    const { body } = await desk.ask('GET', `/conversations/${id}`);
    assert.deepEqual(await received(id, 3), [
      ['conversation.created', common],
      ['message.received', { ...common, message_id: body.messages[0].id }],
      ['conversation.escalated', { ...common, reason: 'low_confidence', assigned_agent: 'agent_456' }],
    ]);
  });

  it('tell of the end and of a rating', async () => {
    const { conversation_id: id } = await begin({});
    const common = { conversation_id: id, channel: 'chat', user_id: 'user_12345' };
    assert.equal((await desk.ask('PATCH', `/conversations/${id}`, { status: 'resolved' })).status, 200);
    assert.equal((await desk.ask('POST', `/conversations/${id}/feedback`, { rating: 5 })).status, 200);
    assert.deepEqual((await received(id, 4)).slice(2), [
      ['conversation.resolved', { ...common, resolved_by: 'customer' }],
      ['feedback.submitted', { ...common, rating: 5 }],
    ]);
  });

  it('tell of the end of a conversation that nobody continues', async () => {
    const { conversation_id: id } = await begin({});
    await owner.query(
      `update chaperone.support_conversations set updated_at = now() - interval '25 hours' where conversation_id = $1`,
      [id],
    );
    await owner.query(`select graphile_worker.add_job('chore:idle-conversations')`);
    const [, , [event, data] = []] = await received(id, 3);
    assert.equal(event, 'conversation.resolved');
    assert.equal(data.resolved_by, 'inactivity');
    const { body } = await desk.ask('GET', `/conversations/${id}`);
    assert.equal(body.status, 'resolved');
    assert.ok(body.resolved_at);
    assert.equal((await desk.say(question, { conversation_id: id, user_id: 'user_12345' })).body.status, 'active');
  });
});
