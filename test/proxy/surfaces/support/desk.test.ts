import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Client } from 'pg';
import { connect } from '../../../database/tenant.ts';
import { suiteScope } from '../../../scope.ts';
import { until } from '../../../until.ts';
import { type Desk, startDesk } from './desk-stack.ts';

const question = 'How do I reset my password?';

describe('the support desk', () => {
  const scope = suiteScope();
  let desk: Desk;
  let database: Client;
  before(async () => {
    desk = await startDesk(
      scope,
      { agents: ['agent_1', 'agent_2'], topics: ['refunds'], maxTurns: 2, persona: 'default/support-agent' },
      {
        limits: [{ name: 'fred', per: 'User', match: { users: ['fred'] }, requests: { count: 1, window: '1h' } }],
        guardrails: [
          {
            name: 'no-codes',
            action: 'Block',
            appliesTo: 'Input',
            patterns: { patterns: [{ name: 'code', pattern: 'TOP-[0-9]+' }] },
          },
          {
            name: 'no-promises',
            action: 'Block',
            appliesTo: 'Output',
            patterns: { patterns: [{ name: 'promise', pattern: 'we promise' }] },
          },
        ],
      },
    );
    database = await connect(scope, desk.stack.database.url);
    const hook = { name: 'crm', url: 'https://hooks.example.com/crm' };
    const made = await desk.ask('POST', '/webhooks', hook, desk.admin);
    assert.equal(made.status, 201, JSON.stringify(made.body));
  });

  const eventsOf = async (id: string) => {
    const { rows } = await database.query<{ type: string; data: Record<string, unknown> }>(
      `select type, data from chaperone.webhook_events where subject = $1
       order by occurred_at, type <> 'conversation.created', type <> 'message.received'`,
      [`conversation/${id}`],
    );
    return rows;
  };
  const show = async (id: string) => (await desk.ask('GET', `/conversations/${id}`)).body;

  it('speaks with the voice of its persona, and of passages as data', async () => {
    let prompt: readonly string[] = [];
    desk.reply = (texts: readonly string[]) => {
      prompt = texts;
      return {};
    };
    const { status, body } = await desk.say(question);
    assert.equal(status, 200, JSON.stringify(body));
    assert.match(prompt[0] ?? '', /You are the support agent of Acme/);
    assert.match(prompt[2] ?? '', /"text":"To reset your password/);
    assert.ok(prompt.at(-1)?.includes(question));
    assert.ok(!prompt.join('\n').includes('carl'), 'no model hears who the customer is');
  });

  it('hands over for each reason, to the agents by turns, and tells of it', async () => {
    const agents: string[] = [];
    for (const [reply, reason] of [
      [{ cited: ['kb_invented'] }, 'low_confidence'],
      [{ confidence: 0.05 }, 'low_confidence'],
      [{ wants_human: true }, 'customer_request'],
      [{ sentiment: 'very_negative' }, 'negative_sentiment'],
      [{ topics: ['refunds'] }, 'topic'],
    ] as const) {
      desk.reply = reply;
      const { body } = await desk.say(question);
      assert.deepEqual([body.escalated, body.status, body.reason], [true, 'escalated', reason]);
      if (reason === 'low_confidence')
        assert.ok(!body.response.includes('Forgot Password') && body.sources.length === 0);
      else assert.match(body.response, /^Choose Forgot Password.*\n\n.*colleague/);
      agents.push(body.assigned_agent);
      const events = await eventsOf(body.conversation_id);
      assert.deepEqual(
        events.map(({ type }) => type),
        ['conversation.created', 'message.received', 'conversation.escalated'],
      );
      const { conversation_id: id, reason: told, assigned_agent: agent } = events[2]?.data ?? {};
      assert.deepEqual([id, told, agent], [body.conversation_id, reason, body.assigned_agent]);
    }
    assert.ok(agents.every((agent, at) => at === 0 || agent !== agents[at - 1]));
    assert.deepEqual([...new Set(agents)].sort(), ['agent_1', 'agent_2']);
  });

  it('says in the customer’s language who takes over, and why it has no answer only where that is why', async () => {
    for (const [reply, response] of [
      [{ wants_human: true, is_question: false, cited: [] }, /^Of course\. I am handing/],
      [{ wants_human: true, cited: [], language: 'de' }, /^Gerne\. Ich gebe/],
      [{ sentiment: 'very_negative', cited: [], language: 'fr' }, /^Toutes nos excuses/],
      [{ topics: ['refunds'], cited: [], language: 'es' }, /^Paso esta conversación/],
      [{ cited: [], language: 'de' }, /^Dazu habe ich keine verlässliche Antwort\.\n\nIch gebe/],
    ] as const) {
      desk.reply = reply;
      const { body } = await desk.say(question);
      assert.match(body.response, response);
      const { body: waiting } = await desk.say('Hello?', { conversation_id: body.conversation_id });
      const language = 'language' in reply ? reply.language : undefined;
      if (language === 'de') assert.match(waiting.response, /^Unser Team hat dieses Gespräch/);
      const { language: shown, reason } = await show(body.conversation_id);
      assert.deepEqual([shown, waiting.reason], [language ?? null, reason]);
    }
  });

  it('hands over after too many answers, and answers no more until it is given back', async () => {
    desk.reply = {};
    const { body: first } = await desk.say(question);
    const id = first.conversation_id;
    await desk.say(question, { conversation_id: id });
    const asked = desk.provider.requests.length;
    const { body: third } = await desk.say(question, { conversation_id: id });
    assert.deepEqual([third.reason, third.escalated, third.confidence], ['turn_limit', true, 0]);
    const { body: fourth } = await desk.say('Hello?', { conversation_id: id });
    assert.match(fourth.response, /has this conversation/);
    assert.equal(desk.provider.requests.length, asked);

    const refused = await desk.ask('PATCH', `/conversations/${id}`, { status: 'active' });
    assert.deepEqual([refused.status, refused.body.error.code], [403, 'role_required']);
    const spoken = await desk.say('I am a human.', { conversation_id: id, sender: 'agent' }, desk.admin);
    assert.equal(spoken.status, 200);
    const { body: given } = await desk.ask('PATCH', `/conversations/${id}`, { status: 'active' }, desk.admin);
    assert.deepEqual([given.status, given.assigned_agent], ['active', null]);
    const { body: fifth } = await desk.say(question, { conversation_id: id });
    assert.deepEqual([fifth.escalated, fifth.confidence > 0.75], [false, true]);
    const { messages } = await show(id);
    assert.deepEqual(
      messages.map(({ sender }: { sender: string }) => sender),
      ['user', 'ai', 'user', 'ai', 'user', 'user', 'agent', 'user', 'ai'],
    );
  });

  it('is resolved, opened again by a message, handed over by staff, and rated', async () => {
    desk.reply = {};
    const { body } = await desk.say(question);
    const id = body.conversation_id;
    const patch = (change: object, token = desk.admin) => desk.ask('PATCH', `/conversations/${id}`, change, token);
    assert.equal((await patch({ status: 'resolved' }, desk.backend)).body.status, 'resolved');
    assert.equal((await desk.say(question, { conversation_id: id })).body.status, 'active');
    const { body: handed } = await patch({ status: 'escalated', assigned_agent: 'agent_9' });
    assert.deepEqual([handed.status, handed.reason, handed.assigned_agent], ['escalated', 'manual', 'agent_9']);
    assert.equal((await patch({ assigned_agent: 'agent_8' })).body.assigned_agent, 'agent_8');
    const { rows: logged } = await database.query<{ entry: string }>(
      `select entry::text as entry from chaperone.audit_log where entry::text like $1 order by seq`,
      [`%SupportConversation/${id}%`],
    );
    const entries = logged.map(({ entry }) => JSON.parse(entry));
    assert.deepEqual(
      entries.map(({ actor, changes }) => [actor.roles, changes]),
      [
        [['member'], [{ field: 'conversation.status', before: 'active', after: 'resolved' }]],
        [
          ['admin'],
          [
            { field: 'conversation.status', before: 'active', after: 'escalated' },
            { field: 'conversation.reason', before: null, after: 'manual' },
            { field: 'conversation.assigned_agent', before: null, after: 'agent_9' },
          ],
        ],
        [['admin'], [{ field: 'conversation.assigned_agent', before: 'agent_9', after: 'agent_8' }]],
      ],
    );
    assert.doesNotMatch(JSON.stringify(entries), /carl|password/i);
    // What changes nothing is not in it.
    await patch({ assigned_agent: 'agent_8' });
    for (const [change, status] of [
      [{}, 400],
      [{ status: 'closed' }, 400],
      [{ assigned_agent: '' }, 400],
    ] as const) {
      assert.equal((await patch(change)).status, status);
    }
    const rate = (rating: unknown) => desk.ask('POST', `/conversations/${id}/feedback`, { rating, comment: 'Fine.' });
    for (const rating of [0, 6, 4.5, '5', null]) assert.equal((await rate(rating)).status, 400);
    assert.equal((await rate(2)).body.rating, 2);
    assert.equal((await rate(4)).status, 200);
    assert.equal((await show(id)).rating, 4);
    assert.deepEqual(
      (await eventsOf(id)).map(({ type }) => type),
      [
        ...['conversation.created', 'message.received', 'conversation.resolved', 'message.received'],
        ...['conversation.escalated', 'feedback.submitted', 'feedback.submitted'],
      ],
    );
  });

  it('does not give an answer to what a human has taken over meanwhile', async () => {
    const [asked, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    desk.reply = async () => {
      asked.resolve();
      await go.promise;
      return {};
    };
    const answer = desk.say(question);
    await asked.promise;
    const { body: listed } = await desk.ask('GET', '/conversations?limit=1', undefined, desk.admin);
    const id = listed.conversations[0].conversation_id;
    await desk.ask('PATCH', `/conversations/${id}`, { status: 'escalated' }, desk.admin);
    go.resolve();
    const { body } = await answer;
    assert.deepEqual([body.escalated, body.reason, body.confidence], [true, 'manual', 0]);
    assert.ok(!body.response.includes('Forgot Password'));
    const { messages } = await show(id);
    assert.deepEqual([messages[1].status, messages[1].content], ['withheld', '']);
  });

  it('answers messages that come at once in their order, each with what was said before', async () => {
    const prompts: string[] = [];
    desk.reply = (texts: readonly string[]) => {
      prompts.push(texts.slice(3).join('\n'));
      return { answer: `Answer ${prompts.length}.` };
    };
    const { body } = await desk.say('First question about the password?');
    const id = body.conversation_id;
    await desk.ask('PATCH', `/conversations/${id}`, { status: 'active' }, desk.admin);
    const before = prompts.length;
    const answers = await Promise.all(
      ['second', 'third'].map((word) => desk.say(`The ${word} question about the password?`, { conversation_id: id })),
    );
    assert.ok(answers.every(({ status }) => status === 200));
    const { messages } = await show(id);
    const [, , asked, given, then] = messages;
    assert.deepEqual(messages.map(({ sender }: { sender: string }) => sender).slice(0, 5), [
      'user',
      'ai',
      'user',
      'ai',
      'user',
    ]);
    // The third message is over the two turns, so it was handed over, or it has seen the answer to the second.
    assert.equal(given.content, `Answer ${before + 1}.`);
    assert.ok(prompts[before]?.includes(asked.content) && !prompts[before]?.includes(then.content));
  });

  it('goes on after a failure, and says so', async () => {
    desk.reply = { status: 500 };
    const failed = await desk.say(question, { user_id: 'dora' });
    assert.deepEqual([failed.status, failed.body.error.code], [502, 'upstream_error']);
    const { body: listed } = await desk.ask('GET', '/conversations?user_id=dora', undefined, desk.admin);
    const id = listed.conversations[0].conversation_id;
    const { messages } = await show(id);
    assert.deepEqual([messages[1].status, messages[1].error_code], ['failed', 'upstream_error']);
    desk.reply = {};
    assert.equal((await desk.say(question, { conversation_id: id, user_id: 'dora' })).status, 200);
  });

  it('asks once more where a model does not say what it was asked for', async () => {
    let asked = 0;
    desk.reply = () => (++asked === 1 ? { confidence: 'high' } : {});
    assert.equal((await desk.say(question)).status, 200);
    assert.equal(asked, 2);
    desk.reply = { confidence: 'high' };
    const { status, body } = await desk.say(question);
    assert.deepEqual([status, body.error.code], [502, 'upstream_invalid_response']);
  });

  it('has guardrails check what customers say, and not the articles, and forgets what does not pass', async () => {
    await desk.ask(
      'POST',
      '/knowledge-base',
      { title: 'Password code', content: 'The password code TOP-1 is no secret.' },
      desk.admin,
    );
    desk.reply = {};
    const { body } = await desk.say('What is the password code?');
    const id = body.conversation_id;
    const blocked = await desk.say('Is it TOP-2?', { conversation_id: id });
    assert.deepEqual([blocked.status, blocked.body.error.code], [400, 'guardrail_blocked']);
    const { messages } = await show(id);
    assert.deepEqual([messages[2].status, messages[2].content, messages[3].status], ['withheld', '', 'failed']);
    assert.equal((await desk.say(question, { conversation_id: id })).status, 200);
  });

  it('keeps a message whose answer a guardrail refuses, and not the answer', async () => {
    desk.reply = { answer: 'By tomorrow, we promise.' };
    const refused = await desk.say(question, { user_id: 'gina' });
    assert.deepEqual([refused.status, refused.body.error.code], [400, 'guardrail_blocked']);
    const { body: listed } = await desk.ask('GET', '/conversations?user_id=gina', undefined, desk.admin);
    const id = listed.conversations[0].conversation_id;
    const { messages } = await show(id);
    assert.deepEqual([messages[0].status, messages[0].content], ['completed', question]);
    assert.deepEqual([messages[1].status, messages[1].content], ['failed', '']);
    desk.reply = {};
    assert.equal((await desk.say(question, { conversation_id: id, user_id: 'gina' })).status, 200);
  });

  it('refuses at the limit of a customer with 429, and goes on for others', async () => {
    desk.reply = {};
    assert.equal((await desk.say(question, { user_id: 'fred' })).status, 200);
    const { status, body, headers } = await desk.say(question, { user_id: 'fred' });
    assert.deepEqual([status, body.error.code], [429, 'limit_reached']);
    assert.ok(Number(headers.get('retry-after')) > 0);
    assert.equal((await desk.say(question, { user_id: 'dora' })).status, 200);
  });

  it('records each call as the customer’s, in the session of the conversation', async () => {
    const { rows: users } = await database.query<{ user: string; sessions: boolean }>(
      `select distinct u.external_id as user, bool_and(r.session_id like 'conv_%' and r.turn_id like 'msg_%') as sessions
       from chaperone.requests r join chaperone.users u using (organization_id, user_id) group by 1 order by 1`,
    );
    assert.deepEqual(
      users.map(({ user, sessions }) => [user, sessions]),
      [
        ['carl', true],
        ['dora', true],
        ['fred', true],
        ['gina', true],
      ],
    );
  });

  it('erases the conversations of a customer, and keeps the sums', async () => {
    const read = async () => {
      const today = new Date().toISOString().slice(0, 10);
      return (await desk.ask('GET', `/analytics?start_date=${today}&end_date=${today}`, undefined, desk.admin)).body;
    };
    const earlier = await read();
    const erased = await fetch(`${desk.stack.baseUrl}/users/carl/erase`, {
      method: 'POST',
      headers: { authorization: `Bearer ${desk.admin}` },
    });
    assert.equal(erased.status, 200, await erased.text());
    const { body } = await desk.ask('GET', '/conversations?user_id=carl', undefined, desk.admin);
    assert.equal(body.total, 0);
    const { rows } = await database.query<{ count: number }>(
      `select count(*)::integer as count from chaperone.support_messages m
       where not exists (select from chaperone.support_conversations c where c.conversation_id = m.conversation_id)`,
    );
    assert.equal(rows[0]?.count, 0);
    assert.deepEqual(await read(), earlier);
    await until(async () => (await desk.say(question, { user_id: 'eve' })).status === 200);
  });
});
