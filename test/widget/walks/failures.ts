import assert from 'node:assert/strict';
import { it } from 'node:test';
import { until } from '../../until.ts';
import { type Stage, shows } from '../stage.ts';

const question = 'How do I reset my password?';

/** What a visitor reads where something goes wrong. */
export function walkFailures(stage: () => Stage): void {
  it('is offline, and its message is sent once it is online again', async () => {
    const { desk, visit } = stage();
    desk.reply = {};
    const visitor = await visit({ complaints: /ERR_INTERNET_DISCONNECTED/ });
    await visitor.open();
    await visitor.context.setOffline(true);
    await visitor.say(question);
    await shows(visitor.panel, 'You are offline. Your message is sent as soon as you are online again.');
    await shows(visitor.panel, 'Not sent');
    await visitor.picture('offline');
    await visitor.context.setOffline(false);
    await shows(visitor.answer, 'Forgot Password');
    assert.doesNotMatch(await visitor.panel.innerText(), /offline|Not sent/);
    const { body } = await desk.ask('GET', `/conversations/${await visitor.conversationId()}`, undefined, desk.admin);
    assert.equal(body.message_count, 2);
    await visitor.leave();
  });

  it('has written too much, and hears when it can go on', async () => {
    const { desk, visit, makeKey } = stage();
    desk.reply = {};
    const visitor = await visit({ key: await makeKey({ visitor_requests_per_hour: 1 }), complaints: /429/ });
    await visitor.open();
    await visitor.say(question);
    await shows(visitor.answer, 'Forgot Password');
    await visitor.say('And by phone, can I reset the password there?');
    await shows(visitor.panel, /You can write again in (1 minute|\d+ (minutes|seconds))\./);
    await shows(visitor.panel, 'Not sent');
    await until(async () => (await visitor.announced()).includes('many messages'));
    await visitor.picture('too-many');
    await visitor.leave();
  });

  it('gets no answer, tries again, and gets one', async () => {
    const { desk, visit } = stage();
    desk.reply = { status: 400 };
    const visitor = await visit({ complaints: /Chaperone widget: StreamError/ });
    await visitor.open();
    await visitor.say(question);
    await shows(visitor.answer, 'There is no answer to this message.');
    await shows(visitor.panel, 'Something went wrong. Please try again.');
    await visitor.picture('failed');
    await visitor.page.reload();
    await shows(visitor.answer, 'There is no answer to this message.');
    desk.reply = {};
    await visitor.page.getByRole('button', { name: 'Try again' }).click();
    await shows(visitor.answer, 'Forgot Password');
    await visitor.leave();
  });

  it('comes from a page that the key is not for', async () => {
    const { visit, makeKey } = stage();
    const key = await makeKey({ allowed_origins: ['https://shop.example.com'] });
    const visitor = await visit({
      key,
      complaints: /403|PermissionDeniedError: The public key is not for pages of this origin|CORS|ERR_FAILED/,
    });
    await visitor.open();
    await visitor.say(question);
    await shows(visitor.panel, /not available right now|cannot be reached/);
    await visitor.leave();
  });

  it('comes back with a conversation that has ended', async () => {
    const { desk, visit } = stage();
    desk.reply = {};
    const visitor = await visit({ complaints: /40[14]/ });
    await visitor.open();
    await visitor.say(question);
    await shows(visitor.answer, 'Forgot Password');
    const former = await visitor.conversationId();
    // As if the visitor's token had become too old.
    await visitor.page.evaluate(`for (const name of Object.keys(localStorage))
      if (name.endsWith('chaperone-visitor')) localStorage[name] += 'x'`);
    // Another tab of the same visitor.
    const later = await visitor.context.newPage();
    await later.goto(visitor.url);
    await until(async () => (await later.locator('.message.user').count()) === 0);
    await later.locator('.field').fill(question);
    await later.locator('.field').press('Enter');
    await until(async () => (await later.locator('.message.ai.given').count()) === 1);
    assert.notEqual(await visitor.conversationId(), former);
    await visitor.leave();
  });
}
