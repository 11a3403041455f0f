import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { Client } from 'pg';
import { connect } from '../../../database/tenant.ts';
import { suiteScope } from '../../../scope.ts';
import { until } from '../../../until.ts';
import { handOvers } from './desk-hand-over.ts';
import { refusals } from './desk-refusals.ts';
import { type Desk, startDesk } from './desk-stack.ts';
import { makeDeskStage, question } from './desk-stage.ts';

describe('the support desk', () => {
  const scope = suiteScope();
  let desk: Desk;
  let database: Client;
  const stage = () => makeDeskStage(desk, database);
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

  handOvers(stage);

  it('answers messages that come at once in their order, each with what was said before', async () => {
    const { show } = stage();
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

  refusals(stage);

  it('records each call as the customer’s, in the session of the conversation', async () => {
    const users = await until(async () => {
      const { rows } = await database.query<{ user: string; sessions: boolean }>(
        `select distinct u.external_id as user, bool_and(r.session_id like 'conv_%' and r.turn_id like 'msg_%') as sessions
         from chaperone.requests r join chaperone.users u using (organization_id, user_id) group by 1 order by 1`,
      );
      return rows.length === 4 && rows;
    }, 'records of calls of four customers');
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
