import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Client } from 'pg';
import { connect } from '../database/tenant.ts';
import { suiteScope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { assertShape, fields, list } from './shape.ts';

const answered = fields({
  conversation_id: 'string',
  response: 'string',
  confidence: 'number',
  sources: list('string'),
  escalated: 'boolean',
  timestamp: 'time',
});
const message = fields({ id: 'string', sender: 'string', content: 'string', timestamp: 'time' });
const conversation = fields({
  conversation_id: 'string',
  user_id: 'string',
  channel: 'string',
  messages: list(message),
  status: 'string',
  created_at: 'time',
});
const problem = fields({
  error: fields({ code: 'string', message: 'string', details: fields({}), request_id: 'string' }),
});

/** The conversations of contract 2, as a user who reads it would go through them. */
describe('the contract of customer support, as a story: conversations', () => {
  const scope = suiteScope();
  let stack: Stack;
  let database: Client;
  let admin: string;
  /** The backend of an application: bound to no user. */
  let backend: string;
  let customer: string;
  before(async () => {
    stack = await startStack(scope, { ownProcess: true });
    database = await connect(scope, stack.database.url);
    admin = await stack.sign({ user: 'ada', roles: ['admin'] });
    backend = await stack.sign({ roles: ['member'] });
    customer = await stack.sign({ user: 'user_12345', roles: ['member'] });
  });

  const ask = async (method: string, path: string, body?: unknown, token: string | null = backend) => {
    const answer = await fetch(new URL(`/api/v1${path}`, stack.baseUrl), {
      method,
      headers: {
        ...(token !== null && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    // biome-ignore lint/suspicious/noExplicitAny: answers of several shapes
    return { status: answer.status, headers: answer.headers, body: JSON.parse(await answer.text()) as any };
  };
  const say = (text: string, more: object = {}, token = backend) =>
    ask('POST', '/conversations', { message: text, user_id: 'user_12345', ...more }, token);
  /** What every answer has. */
  const requireManners = (headers: Headers) => {
    assert.match(headers.get('x-request-id') ?? '', /^req_/);
    for (const name of ['limit', 'remaining', 'reset']) assert.match(headers.get(`x-ratelimit-${name}`) ?? '', /^\d+$/);
  };
  let article: string;
  let id: string;

  it('answers from the knowledge base, and names the article', async () => {
    const written = await ask(
      'POST',
      '/knowledge-base',
      {
        title: 'Password Reset Guide',
        content: 'To reset your password, choose Forgot Password on the login page. We send a link to your address.',
      },
      admin,
    );
    article = written.body.article_id;
    const { status, headers, body } = await say('How do I reset my password?', {
      channel: 'chat',
      metadata: { user_email: 'customer@example.com', user_name: 'John Doe' },
    });
    assert.equal(status, 200, JSON.stringify(body));
    assertShape(body, answered);
    requireManners(headers);
    assert.equal(headers.get('x-session-id'), body.conversation_id);
    assert.match(body.conversation_id, /^conv_[0-9a-f]{24}$/);
    assert.match(body.response, /choose Forgot Password/);
    assert.deepEqual([body.sources, body.escalated, body.status], [[article], false, 'active']);
    assert.ok(body.confidence >= 0.75 && body.confidence <= 1, String(body.confidence));
    id = body.conversation_id;
  });

  it('shows the conversation to the backend, to the customer and to staff', async () => {
    for (const token of [backend, customer, admin]) {
      const { status, body } = await ask('GET', `/conversations/${id}`, undefined, token);
      assert.equal(status, 200);
      assertShape(body, conversation);
      assert.deepEqual([body.user_id, body.channel, body.status], ['user_12345', 'chat', 'active']);
      assert.deepEqual(body.metadata, { user_email: 'customer@example.com', user_name: 'John Doe' });
      const [asked, given] = body.messages;
      assert.deepEqual([asked.sender, asked.content], ['user', 'How do I reset my password?']);
      assert.equal(asked.confidence, undefined);
      assert.deepEqual([given.sender, given.sources], ['ai', [article]]);
      assert.match(given.content, /choose Forgot Password/);
      assert.ok(given.confidence >= 0.75);
    }
  });

  it('continues it, with what was said before', async () => {
    const { body } = await say('And the password link?', { conversation_id: id });
    assert.equal(body.conversation_id, id);
    const { body: shown } = await ask('GET', `/conversations/${id}`);
    assert.deepEqual(
      shown.messages.map(({ sender }: { sender: string }) => sender),
      ['user', 'ai', 'user', 'ai'],
    );
  });

  it('says that it does not know what no article says, and hands over', async () => {
    const { status, body } = await say('Which unicorns do you sell on Tuesdays?');
    assert.equal(status, 200);
    assert.match(body.response, /do not have a reliable answer/);
    assert.deepEqual([body.confidence, body.sources, body.escalated, body.reason], [0, [], true, 'low_confidence']);
  });

  it('answers a greeting without an article', async () => {
    const { body } = await say('Hello');
    assert.deepEqual([body.escalated, body.sources], [false, []]);
    assert.match(body.response, /How can I help/);
  });

  it('streams an answer', async () => {
    const answer = await fetch(new URL('/api/v1/conversations', stack.baseUrl), {
      method: 'POST',
      headers: { authorization: `Bearer ${backend}`, 'content-type': 'application/json' },
      body: JSON.stringify({ message: 'How do I reset my password?', user_id: 'user_7', stream: true }),
    });
    assert.match(answer.headers.get('content-type') ?? '', /^text\/event-stream/);
    requireManners(answer.headers);
    const events = (await answer.text())
      .split('\n\n')
      .filter((part) => part.startsWith('event:'))
      .map((part) => {
        const [first = '', second = ''] = part.split('\n');
        return { event: first.slice(7), data: JSON.parse(second.slice(6)) };
      });
    const [begun] = events;
    const done = events.at(-1);
    assert.equal(begun?.event, 'message');
    assert.equal(done?.event, 'done');
    assertShape(done?.data, answered);
    assert.equal(done?.data.conversation_id, begun?.data.conversation_id);
    assert.equal(answer.headers.get('x-session-id'), begun?.data.conversation_id);
    const told = events.filter(({ event }) => event === 'delta').map(({ data }) => data.text);
    assert.ok(done?.data.response.startsWith(told.join('')), told.join(''));
  });

  it('lists conversations for staff, by filters', async () => {
    for (const [query, total] of [
      ['', 4],
      ['?status=escalated', 1],
      ['?reason=low_confidence&user_id=user_12345', 1],
      ['?user_id=user_7', 1],
      ['?channel=chat', 1],
      ['?channel=email', 0],
    ] as const) {
      const { body } = await ask('GET', `/conversations${query}`, undefined, admin);
      assert.deepEqual([body.total, body.conversations.length], [total, total], query);
    }
    const { body } = await ask('GET', '/conversations?limit=1&offset=1', undefined, admin);
    assert.deepEqual([body.total, body.conversations.length], [4, 1]);
  });

  it('refuses in the words of the contract', async () => {
    const missing = await ask('POST', '/conversations', { message: 'Hello' });
    assertShape(missing.body, problem);
    const { code, message: sentence, details } = missing.body.error;
    assert.deepEqual(
      [missing.status, code, sentence, details.field, details.expected],
      [400, 'invalid_request', 'Missing required field: user_id', 'user_id', 'string'],
    );
    const ofOther = await stack.sign({ user: 'mallory', roles: ['member'] });
    for (const [status, expected, answer] of [
      [400, 'invalid_request', say('Hello', { channel: 7 })],
      [400, 'invalid_request', say(' ')],
      [401, 'invalid_credentials', ask('GET', `/conversations/${id}`, undefined, null)],
      [401, 'invalid_credentials', ask('GET', `/conversations/${id}`, undefined, 'YOUR_API_KEY')],
      [403, 'user_mismatch', say('Hello', {}, ofOther)],
      [403, 'user_mismatch', say('Hello', { conversation_id: id, user_id: 'user_7' })],
      [403, 'role_required', ask('GET', '/conversations')],
      [403, 'role_required', say('I am the desk', { conversation_id: id, sender: 'agent' })],
      [404, 'conversation_not_found', ask('GET', `/conversations/${id}`, undefined, ofOther)],
      [404, 'conversation_not_found', ask('GET', '/conversations/conv_0')],
      [404, 'conversation_not_found', say('Hello', { conversation_id: `conv_${'0'.repeat(24)}` })],
    ] as const) {
      const { status: got, body } = await answer;
      assertShape(body, problem);
      assert.deepEqual([got, body.error.code], [status, expected]);
    }
  });

  it('stores nothing in clear, and records each call as the customer’s, in the session of the conversation', async () => {
    const { rows } = await database.query<{ count: number }>(
      `select ((select count(*) from chaperone.support_messages where position('password'::bytea in contents_encrypted) > 0)
         + (select count(*) from chaperone.support_conversations
            where position('customer@'::bytea in metadata_encrypted) > 0))::integer as count`,
    );
    assert.equal(rows[0]?.count, 0);
    const costs = await ask('GET', `/sessions/${id}/costs`, undefined, admin);
    assert.equal(costs.status, 200);
    assert.ok(costs.body.total_cost_usd > 0, JSON.stringify(costs.body));
    const { body } = await ask('GET', `/conversations/${id}`);
    assert.ok(body.cost_usd > 0);
  });
});
