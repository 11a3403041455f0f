import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { before, describe, it } from 'node:test';
import type { Client } from 'pg';
import { WebSocket } from 'ws';
import { connect } from '../../../database/tenant.ts';
import { suiteScope } from '../../../scope.ts';
import { until } from '../../../until.ts';
import { type Receiver, startReceiver } from '../../../worker/webhooks/receiver.ts';
import { startStackWorker } from '../../../worker/webhooks/start.ts';
import { type Desk, startDesk } from './desk-stack.ts';

const question = 'How do I reset my password?';
const furious = 'Horrible, terrible, awful, disgusting!';

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

  it('alert people to a very unhappy customer, once until the customer recovers', async () => {
    const address = new URL('/websocket', desk.stack.baseUrl.replace(/^http/, 'ws'));
    const socket = new WebSocket(address, { headers: { authorization: `Bearer ${desk.admin}` } });
    scope.after(() => socket.terminate());
    // biome-ignore lint/suspicious/noExplicitAny: events of several shapes
    const live: any[] = [];
    socket.on('message', (data) => live.push(JSON.parse(String(data))));
    await until(() => live.length > 0, 'the state of the service');
    const liveOf = (id: string) =>
      live
        .filter(({ event, data }) => event === 'sentiment_alert' && data.conversation_id === id)
        .map(({ data }) => data);
    const alertsOf = (id: string) =>
      receiver.received.filter(({ json }) => json.event === 'sentiment.alert' && json.data.conversation_id === id);
    const bothAre = (id: string, count: number) =>
      until(() => liveOf(id).length === count && alertsOf(id).length === count, `${count} alerts, by both ways`);

    desk.reply = { sentiment: 'very_negative' };
    const angry = { user_id: 'user_angry' };
    const { body } = await desk.say(question, angry);
    const id = body.conversation_id;
    assert.equal(body.status, 'escalated');
    await bothAre(id, 1);
    assert.deepEqual(
      [liveOf(id)[0].sentiment, liveOf(id)[0].negative, liveOf(id)[0].method],
      ['very_negative', null, 'ai'],
    );
    const { body: whole } = await desk.ask('GET', `/conversations/${id}`);
    assert.equal(liveOf(id)[0].message_id, whole.messages[0].id);

    // People have it now, so the words decide.
    const say = (message: string) => desk.say(message, { ...angry, conversation_id: id });
    for (const message of [furious, 'This is bad.', furious]) await say(message);
    await say('Thank you, that is great!');
    await say(furious);
    await bothAre(id, 2);
    const second = alertsOf(id)[1]?.json.data;
    assert.deepEqual([second.method, second.user_id], ['vader', 'user_angry']);
    assert.ok(second.negative >= 0.8);

    // No model could say anything.
    desk.reply = { status: 500 };
    const failed = await desk.say(furious, { user_id: 'user_lost' });
    assert.ok(failed.status >= 500, JSON.stringify(failed.body));
    await until(
      () => live.some(({ event, data }) => event === 'sentiment_alert' && data.conversation_id !== id),
      'its alert',
    );
    assert.doesNotMatch(JSON.stringify([live, alertsOf(id)]), /Horrible/);
  });
});
