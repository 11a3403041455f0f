import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { startChromium } from '../chromium.ts';
import { type Desk, startDesk } from '../proxy/surfaces/support/desk-stack.ts';
import type { Scope } from '../scope.ts';
import { until } from '../until.ts';
import { type Site, startWebsite, type Website } from './website.ts';

export interface VisitOptions extends Site {
  readonly key?: string;
  readonly path?: string;
  readonly browser?: BrowserContextOptions;
  /** What the browser's console may say. Anything else fails the visit. */
  readonly complaints?: RegExp;
}

/** A visitor at a page with the widget. */
export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly url: string;
  readonly launcher: Locator;
  readonly panel: Locator;
  readonly field: Locator;
  /** The last message of the machine or of the team, and its text. */
  readonly answer: Locator;
  open(): Promise<void>;
  say(text: string): Promise<void>;
  /** What screen readers were told last. */
  announced(): Promise<string>;
  /** A computed style of a part of the widget. */
  style(selector: string, property: string): Promise<unknown>;
  /** Which conversation the page remembers. */
  conversationId(): Promise<string>;
  /** Keeps a picture where CHAPERONE_SCREENSHOTS names a directory. */
  picture(name: string): Promise<void>;
  leave(): Promise<void>;
}

/** One product, one browser and one website, which all walks share. */
export interface Stage {
  readonly desk: Desk;
  readonly browser: Browser;
  readonly website: Website;
  /** Of the product. */
  readonly baseUrl: string;
  readonly key: string;
  makeKey(fields?: object): Promise<string>;
  visit(options?: VisitOptions): Promise<Visit>;
}

const pictures = process.env.CHAPERONE_SCREENSHOTS;

export async function startStage(scope: Scope): Promise<Stage> {
  const [desk, browser] = await Promise.all([
    startDesk(scope, { agents: ['agent_1'] }, {}, { ownProcess: true }),
    startChromium(scope),
  ]);
  const baseUrl = new URL(desk.stack.baseUrl).origin;
  const website = await startWebsite(scope, baseUrl);
  if (pictures !== undefined) mkdirSync(pictures, { recursive: true });
  const makeKey = async (fields: object = {}) => {
    const body = { type: 'public', allowed_origins: [website.origin], visitor_requests_per_hour: 10_000, ...fields };
    const made = await fetch(`${baseUrl}/v1/keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${desk.admin}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: `website-${crypto.randomUUID()}`, requests_per_hour: 1_000_000, ...body }),
    });
    assert.equal(made.status, 201);
    return ((await made.json()) as { key: string }).key;
  };
  const key = await makeKey();
  return {
    ...{ desk, browser, website, baseUrl, key, makeKey },
    visit: (options = {}) => beginVisit({ browser, website, key }, options),
  };
}

async function beginVisit(
  { browser, website, key }: Pick<Stage, 'browser' | 'website' | 'key'>,
  { key: other, path, browser: asked = {}, complaints, ...site }: VisitOptions,
): Promise<Visit> {
  const config = { apiKey: other ?? key, ...(site.config as object) };
  const url = website.add({ ...site, config }, path);
  const context = await browser.newContext({ locale: 'en-US', viewport: { width: 1000, height: 800 }, ...asked });
  const page = await context.newPage();
  const said: string[] = [];
  // Also what the page's Content-Security-Policy forbids, and failed requests.
  page.on('console', (message) => message.type() === 'error' && said.push(message.text()));
  page.on('pageerror', (error) => said.push(String(error)));
  await page.goto(url);
  const chat = page.locator('chaperone-chat');
  const panel = chat.locator('.panel');
  const field = chat.locator('.field');
  return {
    ...{ page, context, url, panel, field },
    launcher: chat.locator('.launcher'),
    answer: chat.locator('.log > ol > .message:not(.user) .bubble').last(),
    async open() {
      await chat.locator('.launcher').click();
      await panel.waitFor();
    },
    async say(text) {
      await field.fill(text);
      await field.press('Enter');
    },
    announced: async () => (await chat.locator('[role=status]').textContent()) ?? '',
    style: (selector, property) =>
      page.evaluate(
        `getComputedStyle(document.querySelector('chaperone-chat').shadowRoot.querySelector('${selector}')).${property}`,
      ),
    conversationId: () =>
      until(async () => {
        const kept = await page.evaluate('Object.entries(localStorage).find(([name]) => /:pk_[^:]+$/.test(name))?.[1]');
        return JSON.parse(String(kept ?? '{}')).conversationId as string | undefined;
      }, 'a conversation to be remembered'),
    async picture(name) {
      if (pictures === undefined) return;
      await page.screenshot({ path: join(pictures, `${name}.png`), animations: 'disabled' });
    },
    async leave() {
      await context.close();
      assert.deepEqual(
        said.filter((text) => !complaints?.test(text)),
        [],
        'what the browser complains about',
      );
    },
  };
}

/** Waits until an element has a text. */
export async function shows(locator: Locator, text: string | RegExp): Promise<void> {
  let seen = '';
  await until(async () => {
    seen = ((await locator.count()) > 0 && (await locator.first().innerText())) || '';
    return typeof text === 'string' ? seen.includes(text) : text.test(seen);
  }, `${text} to be shown`).catch((error: unknown) => {
    throw new Error(`Instead of ${text} there is: ${seen}`, { cause: error });
  });
}
