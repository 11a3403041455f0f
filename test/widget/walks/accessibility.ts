import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { it } from 'node:test';
import type { Page } from 'playwright-core';
import { until } from '../../until.ts';
import { type Stage, shows, type VisitOptions } from '../stage.ts';

const question = 'How do I reset my password?';
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Results {
  readonly passes: readonly { readonly id: string }[];
  readonly violations: readonly {
    readonly id: string;
    readonly help: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
  }[];
}

/** What axe finds at the whole page, best practices included. */
async function violationsOf(page: Page): Promise<string[]> {
  // Transitions would be judged in their middle.
  await page.evaluate(
    'Promise.all(document.querySelector("chaperone-chat").shadowRoot.getAnimations().map((one) => one.effect.getTiming().iterations === 1 && one.finished))',
  );
  await page.evaluate(axe);
  const { passes, violations } = (await page.evaluate('axe.run()')) as Results;
  assert.ok(
    passes.some(({ id }) => id === 'color-contrast'),
    'colours were looked at',
  );
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html}: ${failureSummary}`),
  );
}

const answer = `Choose **Forgot Password** on the [login page](https://shop.example.com/login):

1. Write your address.
2. Open the \`link\`.

> It is valid for an hour.

| when | what |
| --- | --- |
| at once | an email |

\`\`\`
support@example.com
\`\`\``;

const looks: Readonly<Record<string, VisitOptions>> = {
  light: { browser: { colorScheme: 'light' } },
  dark: { browser: { colorScheme: 'dark' } },
  'the colour of the contract': { config: { theme: { primaryColor: '#007bff', mode: 'light' } } },
  'a pale colour in the dark': { config: { theme: { primaryColor: 'oklch(90% 0.1 100)', mode: 'dark' } } },
  'right to left': { lang: 'ar', browser: { locale: 'ar' } },
  'a phone': { browser: { viewport: { width: 375, height: 667 }, hasTouch: true, isMobile: true } },
  'a phone, dark, right to left': {
    lang: 'ar',
    browser: { viewport: { width: 320, height: 568 }, hasTouch: true, isMobile: true, colorScheme: 'dark' },
  },
};

export function walkAccessibility(stage: () => Stage): void {
  for (const [name, look] of Object.entries(looks)) {
    it(`has nothing that axe objects to: ${name}`, async () => {
      const { desk, visit } = stage();
      const visitor = await visit(look);
      await visitor.launcher.waitFor();
      assert.deepEqual(await violationsOf(visitor.page), []);
      await visitor.open();
      assert.deepEqual(await violationsOf(visitor.page), []);
      desk.reply = { answer };
      await visitor.say(question);
      await shows(visitor.answer, 'support@example.com');
      await visitor.page.locator('.star').nth(3).click();
      await visitor.page.locator('.comment').waitFor();
      assert.deepEqual(await violationsOf(visitor.page), []);
      desk.reply = { wants_human: true };
      await visitor.say('A person, please: the password is still wrong.');
      await visitor.page.locator('.handover').waitFor();
      await visitor.picture(`look-${name.replaceAll(/\W+/g, '-')}`);
      assert.deepEqual(await violationsOf(visitor.page), []);
      const id = await visitor.conversationId();
      const { body } = await desk.ask('GET', `/conversations/${id}`, undefined, desk.admin);
      const said = { message: 'Hello, I am Ana.', user_id: body.user_id, conversation_id: id, sender: 'agent' };
      await desk.ask('POST', '/conversations', said, desk.admin);
      await visitor.page.locator('.message.agent').waitFor();
      await visitor.context.setOffline(true);
      await visitor.say('Hello?');
      await visitor.page.locator('.notice').waitFor();
      assert.deepEqual(await violationsOf(visitor.page), []);
      await visitor.picture(`look-${name.replaceAll(/\W+/g, '-')}-notice`);
      await visitor.leave();
    });
  }

  it('is used by keyboard alone', async () => {
    const { desk, visit } = stage();
    desk.reply = {};
    const visitor = await visit();
    const { keyboard } = visitor.page;
    const focused = () =>
      visitor.page.evaluate(
        "document.querySelector('chaperone-chat')?.shadowRoot.activeElement?.className",
      ) as Promise<string>;
    const tabTo = async (name: string, key = 'Tab') => {
      for (let presses = 0; (await focused()) !== name; presses += 1) {
        assert.ok(presses < 20, `${key} leads to ${name}`);
        await keyboard.press(key);
      }
    };
    await visitor.launcher.waitFor();
    await tabTo('launcher');
    await keyboard.press('Enter');
    await visitor.panel.waitFor();
    assert.equal(await focused(), 'field');
    await keyboard.type('How do I reset');
    await keyboard.press('Shift+Enter');
    await keyboard.type('my password?');
    await keyboard.press('Enter');
    await shows(visitor.answer, 'Forgot Password');
    assert.equal(await visitor.page.locator('.message.user .bubble').innerText(), 'How do I reset\nmy password?');
    assert.deepEqual([await focused(), await visitor.field.inputValue()], ['field', '']);
    await tabTo('star', 'Shift+Tab');
    await keyboard.press('Enter');
    await shows(visitor.panel, 'Thank you for your rating.');
    await tabTo('log', 'Shift+Tab');
    await keyboard.press('Escape');
    await until(async () => (await visitor.panel.count()) === 0);
    assert.equal(await focused(), 'launcher');
    // Escape elsewhere is the page's own.
    await keyboard.press('Space');
    await visitor.panel.waitFor();
    await visitor.page.locator('h1').click();
    await keyboard.press('Escape');
    assert.equal(await visitor.panel.count(), 1);
    await visitor.leave();
  });

  it('keeps the focus on the whole screen of a phone, and does not enlarge the page', async () => {
    const { visit } = stage();
    const visitor = await visit({ browser: { viewport: { width: 375, height: 667 }, hasTouch: true, isMobile: true } });
    await visitor.launcher.tap();
    await visitor.panel.waitFor();
    const whole = JSON.stringify({ x: 0, y: 0, width: 375, height: 667 });
    await until(
      async () => JSON.stringify(await visitor.panel.boundingBox()) === whole,
      'the panel to fill the screen',
    );
    assert.equal(await visitor.panel.getAttribute('aria-modal'), 'true');
    assert.equal(await visitor.style('.field', 'fontSize'), '16px');
    const { keyboard } = visitor.page;
    for (let presses = 0; presses < 12; presses += 1) {
      await keyboard.press('Tab');
      assert.equal(await visitor.page.evaluate('document.activeElement.localName'), 'chaperone-chat');
    }
    await keyboard.press('Escape');
    await visitor.launcher.waitFor();
    assert.equal(await visitor.panel.count(), 0);
    await visitor.leave();
  });

  it('moves nothing for those who do not want it', async () => {
    const { visit } = stage();
    for (const [reducedMotion, moves] of [
      ['reduce', 'none'],
      ['no-preference', 'appear'],
    ] as const) {
      const visitor = await visit({ browser: { reducedMotion } });
      await visitor.open();
      assert.equal(await visitor.style('.panel', 'animationName'), moves);
      await visitor.leave();
    }
  });
}
