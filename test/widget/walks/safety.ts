import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Stage, shows } from '../stage.ts';

const question = 'How do I reset my password?';

/** Markdown and texts that would run something, were they more than text. */
const attacks = `# Heading <img src=x onerror="window.hacked=1">

<script>window.hacked = 1</script> <b onclick="window.hacked=1">bold</b>

[one](javascript:window.hacked=1) [two](JaVaScRiPt:window.hacked=1) [three](data:text/html,<script>window.hacked=1</script>)
[four](vbscript:x "a\\" onmouseover=window.hacked=1") ![picture](https://tracker.example.com/pixel.png)
<https://safe.example.com/?a=1&b="><script>window.hacked=1</script>> \`<i>code</i>\`

\`\`\`html
<svg onload="window.hacked=1">
\`\`\`

| <u>a</u> | b |
| --- | --- |
| <img src=x onerror=window.hacked=1> | [link](  javascript:window.hacked=1) |

[good](https://shop.example.com/a?b=1&c=2)`;

/** Nothing that others write becomes more than text. */
export function walkSafety(stage: () => Stage): void {
  it('shows HTML of answers, agents, articles and its own as text', async () => {
    const { desk, visit } = stage();
    const title = 'Passwords <img src=x onerror="window.hacked=1"> reset';
    const metadata = { url: 'javascript:window.hacked=1' };
    const article = { title, content: 'Reset the password of the lamp here.', metadata };
    await desk.ask('POST', '/knowledge-base', article, desk.admin);
    desk.reply = (texts: readonly string[]) => {
      const cited = [...(texts[2] ?? '').matchAll(/"id":"(kb_[\w#]+)"/g)].map(([, id]) => id);
      return { cited, answer: attacks };
    };
    const visitor = await visit({ config: { greeting: attacks, title: '<b>Shop</b>' } });
    await visitor.open();
    await visitor.say(`${question} <img src=x onerror="window.hacked=1">`);
    await shows(visitor.answer, 'good');
    await shows(visitor.page.locator('.sources'), 'Passwords <img');
    await visitor.picture('attacks');
    const read = (script: string) =>
      visitor.page.evaluate(
        `(() => { const root = document.querySelector('chaperone-chat').shadowRoot; return ${script} })()`,
      );
    assert.equal(await visitor.page.evaluate('window.hacked'), undefined);
    assert.deepEqual(
      await read(
        "[...root.querySelectorAll('script, img, iframe, b, u, i:not(.dots i), svg[onload]')].map(({ outerHTML }) => outerHTML)",
      ),
      [],
    );
    const links = (await read("[...root.querySelectorAll('a')].map(({ href }) => href)")) as string[];
    assert.ok(links.includes('https://shop.example.com/a?b=1&c=2'));
    assert.deepEqual(
      links.filter((href) => !href.startsWith('https://')),
      [],
    );
    const attributes = (await read(
      "[...root.querySelectorAll('*')].flatMap(({ attributes }) => [...attributes].map(({ name }) => name))",
    )) as string[];
    assert.deepEqual(
      attributes.filter((name) => name.startsWith('on')),
      [],
    );
    await shows(visitor.answer, '<script>window.hacked = 1</script>');
    await shows(visitor.page.locator('.message.user'), '<img src=x');
    await visitor.page.reload();
    await shows(visitor.answer, 'good');
    assert.equal(await visitor.page.evaluate('window.hacked'), undefined);
    await visitor.leave();
  });
}
