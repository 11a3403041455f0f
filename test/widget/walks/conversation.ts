import assert from 'node:assert/strict';
import { it } from 'node:test';
import { until } from '../../until.ts';
import { type Stage, shows } from '../stage.ts';

const question = 'How do I reset my password?';
const url = 'https://help.example.com/password';

/** What a visitor does where all goes well. */
export function walkConversations(stage: () => Stage): void {
  const agentSays = async (id: string, message: string) => {
    const { desk } = stage();
    const { body } = await desk.ask('GET', `/conversations/${id}`, undefined, desk.admin);
    const said = { message, user_id: body.user_id, conversation_id: id, sender: 'agent' };
    assert.equal((await desk.ask('POST', '/conversations', said, desk.admin)).status, 200);
  };

  it('asks, sees the answer grow, and reads where it comes from', async () => {
    const { desk, visit } = stage();
    const article = {
      title: 'Forgotten passwords',
      content: 'Passwords that are forgotten can be reset.',
      metadata: { url },
    };
    await desk.ask('POST', '/knowledge-base', article, desk.admin);
    const answer =
      '**Choose** Forgot Password on the login page, then open the link that we send to your address by email.';
    const go = Promise.withResolvers<void>();
    desk.reply = (texts: readonly string[]) => {
      const cited = [...(texts[2] ?? '').matchAll(/"id":"(kb_[\w#]+)"/g)].map(([, id]) => id);
      return { cited, answer };
    };
    desk.pieces = async function* (content) {
      const at = content.indexOf('by email');
      yield content.slice(0, at);
      await go.promise;
      yield content.slice(at);
    };
    const { field, answer: shown, page, panel, ...visitor } = await visit();
    await visitor.open();
    await shows(panel, 'Hello! How can we help?');
    await visitor.picture('greeting');
    await visitor.say(question);
    await shows(page.locator('.writing .bubble'), /^Choose Forgot Password on the login page/);
    assert.doesNotMatch(await shown.innerText(), /email/);
    assert.match(await visitor.announced(), /is writing/);
    await visitor.picture('streaming');
    go.resolve();
    await shows(shown, /by email\.$/);
    assert.equal(await shown.locator('strong').innerText(), 'Choose');
    // As a whole, and without the marks of Markdown.
    await until(async () => (await visitor.announced()).includes(`Assistant: ${answer.replaceAll('*', '')}`));
    const sources = page.locator('.sources');
    await shows(sources, 'Reset your password');
    const link = sources.getByRole('link', { name: 'Forgotten passwords' });
    assert.deepEqual(
      [await link.getAttribute('href'), await link.getAttribute('rel')],
      [url, 'noopener noreferrer nofollow'],
    );
    await visitor.picture('answer');
    desk.pieces = undefined;

    await page.reload();
    await shows(panel, question);
    await shows(shown, /by email\.$/);
    await shows(sources, 'Reset your password');
    await visitor.say('And the password of my colleague?');
    await until(async () => (await page.locator('.message.user').count()) === 2);
    await until(async () => (await page.locator('.message.ai.given').count()) === 2);
    const id = await visitor.conversationId();
    const { body } = await desk.ask('GET', `/conversations/${id}`, undefined, desk.admin);
    assert.deepEqual([body.message_count, body.channel], [4, 'chat']);
    assert.match(body.user_id, /^visitor_/);

    await page.getByRole('button', { name: 'Start a new conversation' }).click();
    assert.equal(await page.locator('.message.user').count(), 0);
    await visitor.say(question);
    await until(async () => (await visitor.conversationId()) !== id);
    await visitor.leave();
  });

  it('reloads the page in the middle of an answer, and goes on in another tab', async () => {
    const { desk, visit } = stage();
    const go = Promise.withResolvers<void>();
    desk.reply = () => go.promise.then(() => ({ answer: 'It is at the bottom of the login page.' }));
    const visitor = await visit({ complaints: /ERR_(ABORTED|FAILED)/ });
    await visitor.open();
    await visitor.say(question);
    await visitor.conversationId();
    await visitor.page.reload();
    await visitor.page.locator('.message.writing').waitFor();
    go.resolve();
    await shows(visitor.answer, 'at the bottom');
    const other = await visitor.context.newPage();
    await other.goto(visitor.url);
    await shows(other.locator('.panel'), 'at the bottom');
    desk.reply = { answer: 'By phone, call us.' };
    await other.locator('.field').fill('And by phone, how is the password reset?');
    await other.locator('.field').press('Enter');
    await shows(other.locator('.panel'), 'call us');
    const { body } = await desk.ask('GET', `/conversations/${await visitor.conversationId()}`, undefined, desk.admin);
    assert.equal(body.message_count, 4);
    await visitor.leave();
  });

  it('begins another conversation in the middle of an answer', async () => {
    const { desk, visit } = stage();
    const go = Promise.withResolvers<void>();
    desk.reply = async (texts: readonly string[]) => {
      const isFirst = texts.at(-1)?.includes('slow') ?? false;
      if (isFirst) await go.promise;
      return { answer: isFirst ? 'Too late.' : 'At once.' };
    };
    const visitor = await visit();
    await visitor.open();
    await visitor.say('Why is the reset of the password slow?');
    const former = await visitor.conversationId();
    await visitor.page.getByRole('button', { name: 'Start a new conversation' }).click();
    await visitor.say(question);
    await shows(visitor.answer, 'At once.');
    go.resolve();
    assert.notEqual(await visitor.conversationId(), former);
    await until(async () => {
      const { body } = await desk.ask('GET', `/conversations/${former}`, undefined, desk.admin);
      return body.messages[1].status === 'completed';
    });
    assert.doesNotMatch(await visitor.panel.innerText(), /Too late|slow/);
    await visitor.leave();
  });

  it('talks where the browser keeps nothing', async () => {
    const { desk, visit } = stage();
    desk.reply = {};
    const visitor = await visit();
    const forbidden = "Object.defineProperty(window, 'localStorage', { get() { throw new Error('forbidden') } })";
    await visitor.page.addInitScript(forbidden);
    await visitor.page.reload();
    const bodies: string[] = [];
    visitor.page.on('request', (request) => request.method() === 'POST' && bodies.push(request.postData() ?? ''));
    await visitor.open();
    for (const count of [1, 2]) {
      await visitor.say(question);
      await until(async () => (await visitor.page.locator('.message.ai.given').count()) === count);
    }
    const [first, second] = bodies.map((body) => JSON.parse(body).conversation_id);
    assert.equal(first, undefined);
    assert.match(second, /^conv_/);
    await visitor.leave();
  });

  it('is handed over, sees what the team writes, and is given back', async () => {
    const { desk, visit } = stage();
    desk.reply = { wants_human: true };
    const visitor = await visit();
    await visitor.open();
    await visitor.say(`${question} Or let me talk to a person.`);
    await shows(visitor.panel, 'Our team takes over');
    await shows(visitor.panel.locator('.head'), 'Our team has this conversation');
    const id = await visitor.conversationId();
    await agentSays(id, 'Hello, I am *Ana*. Which address is it?');
    await shows(visitor.answer, 'Hello, I am Ana. Which address is it?');
    await until(async () => (await visitor.announced()).includes('Our team: Hello, I am Ana.'));
    await visitor.say('It is a@example.com');
    await until(async () => (await visitor.page.locator('.message.user.given').count()) === 2);
    await visitor.picture('handed-over');

    await visitor.panel.press('Escape');
    await agentSays(id, 'I have sent you a link.');
    await shows(visitor.page.locator('.badge'), '1');
    await visitor.picture('badge');
    assert.equal(await visitor.launcher.getAttribute('aria-label'), 'Open the chat: new messages');
    await visitor.page.reload();
    await shows(visitor.page.locator('.badge'), '1');
    await visitor.open();
    await shows(visitor.answer, 'I have sent you a link.');
    assert.equal(await visitor.page.locator('.badge').count(), 0);
    desk.reply = {};
    await desk.ask('PATCH', `/conversations/${id}`, { status: 'active' }, desk.admin);
    await shows(visitor.panel.locator('.head'), 'Automated assistant');
    await visitor.leave();
  });

  it('asks for a person by the button', async () => {
    const { desk, visit } = stage();
    desk.reply = (texts: readonly string[]) => ({
      wants_human: texts.at(-1)?.includes('I would like to talk to a person'),
    });
    const visitor = await visit();
    await visitor.open();
    await visitor.say(question);
    await visitor.page.getByRole('button', { name: 'Talk to a person' }).click();
    await shows(visitor.panel, 'Our team takes over');
    await visitor.leave();
  });

  it('rates the answers, and says why', async () => {
    const { desk, visit } = stage();
    desk.reply = {};
    const visitor = await visit();
    await visitor.open();
    await visitor.say(question);
    const rating = visitor.page.getByRole('group', { name: 'How helpful was this?' });
    await rating.getByRole('button', { name: '4 of 5' }).click();
    await shows(visitor.panel, 'Thank you for your rating.');
    const id = await visitor.conversationId();
    const read = async () => (await desk.ask('GET', `/conversations/${id}`, undefined, desk.admin)).body;
    await until(async () => (await read()).rating === 4);
    await visitor.picture('rating');
    await visitor.page.getByLabel('What could be better?').fill('A picture would help.');
    await visitor.page.getByRole('button', { name: 'Send comment' }).click();
    await shows(visitor.panel, 'Thank you for your comment.');
    await visitor.page.reload();
    await rating.waitFor();
    assert.equal(await rating.locator('[aria-pressed=true]').getAttribute('aria-label'), '4 of 5');
    await visitor.leave();
  });
}
