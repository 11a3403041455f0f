import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type DeskStage, question } from './desk-stage.ts';

/** What becomes of messages that get no answer. */
export function refusals(stage: () => DeskStage): void {
  it('goes on after a failure, and says so', async () => {
    const { desk, show } = stage();
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
    const { desk } = stage();
    let asked = 0;
    desk.reply = () => (++asked === 1 ? { confidence: 'high' } : {});
    assert.equal((await desk.say(question)).status, 200);
    assert.equal(asked, 2);
    desk.reply = { confidence: 'high' };
    const { status, body } = await desk.say(question);
    assert.deepEqual([status, body.error.code], [502, 'upstream_invalid_response']);
  });

  it('has guardrails check what customers say, and not the articles, and forgets what does not pass', async () => {
    const { desk, show } = stage();
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
    const { desk, show } = stage();
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
    const { desk } = stage();
    desk.reply = {};
    assert.equal((await desk.say(question, { user_id: 'fred' })).status, 200);
    const { status, body, headers } = await desk.say(question, { user_id: 'fred' });
    assert.deepEqual([status, body.error.code], [429, 'limit_reached']);
    assert.ok(Number(headers.get('retry-after')) > 0);
    assert.equal((await desk.say(question, { user_id: 'dora' })).status, 200);
  });
}
