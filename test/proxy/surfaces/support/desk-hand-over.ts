import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type DeskStage, question } from './desk-stage.ts';

/** How conversations go from the machine to people, and back. */
export function handOvers(stage: () => DeskStage): void {
  it('hands over for each reason, to the agents by turns, and tells of it', async () => {
    const { desk, eventsOf } = stage();
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
        [
          ...['conversation.created', 'message.received', 'conversation.escalated'],
          ...(reason === 'negative_sentiment' ? ['sentiment.alert'] : []),
        ],
      );
      const { conversation_id: id, reason: told, assigned_agent: agent } = events[2]?.data ?? {};
      assert.deepEqual([id, told, agent], [body.conversation_id, reason, body.assigned_agent]);
    }
    assert.ok(agents.every((agent, at) => at === 0 || agent !== agents[at - 1]));
    assert.deepEqual([...new Set(agents)].sort(), ['agent_1', 'agent_2']);
  });

  it('says in the customer’s language who takes over, and why it has no answer only where that is why', async () => {
    const { desk, show } = stage();
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
    const { desk, show } = stage();
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
    const { desk, database, show, eventsOf } = stage();
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
    const { desk, show } = stage();
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
}
