import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { until } from '../../until.ts';
import { type Stage, shows } from '../stage.ts';

const question = 'How do I reset my password?';
const snippets = readFileSync(join(import.meta.dirname, '..', 'snippets.md'), 'utf8');
const [asHtml = '', asScript = ''] = [...snippets.matchAll(/```\w+\n(.*?)```/gs)].map(([, code]) => code);

/** What pages state about the widget. */
export function walkPages(stage: () => Stage): void {
  const own = (snippet: string) =>
    snippet.replace('your_public_key', stage().key).replace('https://cdn.ourplatform.com', stage().baseUrl);

  it('takes the first configuration of the contract', async () => {
    const { desk, visit } = stage();
    desk.reply = {};
    const visitor = await visit({ scripts: own(asHtml), allowsInline: true, browser: { colorScheme: 'dark' } });
    await visitor.open();
    await shows(visitor.panel, 'Hi! How can I help you today?');
    await visitor.page.locator('.root.bottom-right.light').waitFor();
    await visitor.say(question);
    await shows(visitor.answer, 'Forgot Password');
    await visitor.picture('contract-1');
    await visitor.leave();
  });

  it('takes the second configuration of the contract', async () => {
    const { desk, visit, baseUrl } = stage();
    desk.reply = {};
    const scripts = `<script>${own(asScript)}</script><script src="${baseUrl}/widget.js" async></script>`;
    for (const [path, isShown] of [
      ['/', false],
      ['/helpdesk', false],
      ['/support', true],
      ['/help/lamps', true],
    ] as const) {
      const visitor = await visit({ scripts, path, allowsInline: true });
      await visitor.page.locator('chaperone-chat').waitFor({ state: 'attached' });
      assert.equal(await visitor.launcher.count(), isShown ? 1 : 0, path);
      if (path === '/help/lamps') {
        await visitor.open();
        assert.equal(await visitor.style('.panel', 'borderRadius'), '12px');
        assert.equal(await visitor.style('.panel', 'fontFamily'), 'Inter, sans-serif');
        assert.equal(await visitor.style('.send', 'backgroundColor'), 'rgb(0, 123, 255)');
        await visitor.say(question);
        await shows(visitor.answer, 'Forgot Password');
        await visitor.picture('contract-2');
      }
      if (path === '/support') {
        // A page that changes its address by itself.
        await visitor.page.evaluate("history.pushState({}, '', '/cart')");
        await until(async () => (await visitor.launcher.count()) === 0);
      }
      await visitor.leave();
    }
  });

  it('takes a configuration at its script’s element, which needs no script in the page', async () => {
    const { visit, key, baseUrl } = stage();
    const attributes = `data-api-key="${key}" data-position="top-left" data-theme="dark" data-language="de" data-greeting="Servus!"`;
    const visitor = await visit({ scripts: `<script src="${baseUrl}/widget.js" ${attributes} async></script>` });
    await visitor.open();
    await shows(visitor.panel, 'Servus!');
    await shows(visitor.panel, 'Automatischer Assistent');
    await visitor.page.locator('.root.top-left.dark').waitFor();
    const { x = 999, y = 999 } = (await visitor.launcher.boundingBox()) ?? {};
    assert.ok(x < 100 && y < 100, `${x}, ${y}`);
    await visitor.picture('top-left-dark-german');
    await visitor.leave();
  });

  it('speaks the language of the page, with texts of its own, from right to left', async () => {
    const { desk, visit } = stage();
    desk.reply = { answer: 'اختر «نسيت كلمة المرور» في صفحة تسجيل الدخول.' };
    const visitor = await visit({ lang: 'ar-EG', config: { texts: { placeholder: 'سؤالك' } } });
    await visitor.open();
    await shows(visitor.panel, 'كيف يمكننا مساعدتك');
    assert.equal(await visitor.field.getAttribute('placeholder'), 'سؤالك');
    assert.equal(await visitor.style('.field', 'direction'), 'rtl');
    const { x = 999 } = (await visitor.launcher.boundingBox()) ?? {};
    assert.ok(x < 100, 'it is at the end of the lines');
    await visitor.say('كيف أعيد تعيين كلمة المرور password؟');
    await shows(visitor.answer, 'اختر');
    await visitor.picture('arabic');
    await visitor.leave();
  });

  it('opens by itself, and stays closed where the visitor has closed it', async () => {
    const { visit } = stage();
    const visitor = await visit({ config: { behavior: { autoOpen: true } } });
    await visitor.panel.waitFor();
    // Whoever did not ask for it keeps the focus.
    assert.equal(await visitor.page.evaluate('document.activeElement.localName'), 'body');
    await visitor.page.getByRole('button', { name: 'Close the chat' }).first().click();
    await visitor.page.reload();
    await visitor.launcher.waitFor();
    assert.equal(await visitor.panel.count(), 0);
    await visitor.page.evaluate("document.querySelector('chaperone-chat').open()");
    await visitor.panel.waitFor();
    await visitor.leave();
  });

  it('is not shown on phones where the page does not want it', async () => {
    const { visit } = stage();
    const config = { behavior: { hideOnMobile: true } };
    const visitor = await visit({ config, browser: { viewport: { width: 400, height: 800 } } });
    await visitor.page.locator('chaperone-chat').waitFor({ state: 'attached' });
    assert.equal(await visitor.launcher.count(), 0);
    await visitor.page.setViewportSize({ width: 1000, height: 800 });
    await visitor.launcher.waitFor();
    await visitor.leave();
  });

  it('tells developers what is wrong, and goes on without it', async () => {
    const { visit, key } = stage();
    const wrong = /position must be one of bottom-right|behaviour is no option/;
    const config = { position: 'middle', behaviour: { autoOpen: true } };
    const visitor = await visit({ config, complaints: wrong });
    await visitor.launcher.waitFor();
    await visitor.leave();
    for (const [bad, said] of [
      [{ apiKey: key.replace('pk_', 'sk_') }, /apiKey is a secret key/],
      [{ apiKey: undefined }, /apiKey is missing/],
    ] as const) {
      const told: string[] = [];
      const { page, leave } = await visit({ config: bad, key: '', complaints: said });
      page.on('console', (message) => told.push(message.text()));
      await page.reload();
      await until(() => told.some((text) => said.test(text)));
      assert.equal(await page.locator('chaperone-chat').count(), 0);
      await leave();
    }
  });
}
