import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { hashPassword } from '../../database/password-hash.ts';
import { startChromium } from '../chromium.ts';
import { connect } from '../database/tenant.ts';
import { accountOf, setSpec, stateHashes } from '../proxy/surfaces/insights/insights-stack.ts';
import type { Scope } from '../scope.ts';
import { type Stack, startStack } from '../stack.ts';
import { until } from '../until.ts';
import { makeCalls } from './calls.ts';
import { type Ask, addContents, leaveJobs } from './contents.ts';
import { addHistory } from './history.ts';

export interface VisitOptions {
  /** Absent: an admin's. Null: nobody has signed in. */
  readonly token?: string | null;
  /** Where in the console, such as `/requests`. */
  readonly at?: string;
  readonly browser?: BrowserContextOptions;
  /** What the browser's console may say. Anything else fails the visit. */
  readonly complaints?: RegExp;
}

/** Somebody at the console. */
export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  readonly main: Locator;
  /** Changes the place as a link does. */
  go(place: string): Promise<void>;
  /** Waits until the page has its data. */
  settled(): Promise<void>;
  /** Keeps a picture where CHAPERONE_SCREENSHOTS names a directory. */
  picture(name: string): Promise<void>;
  leave(): Promise<void>;
}

/** One product with a history, and one browser, which all walks share. */
export interface Stage {
  readonly stack: Stack;
  readonly browser: Browser;
  /** The address that a person opens. */
  readonly url: string;
  readonly admin: string;
  readonly member: string;
  readonly password: string;
  readonly ask: Ask;
  /** Gives the organization a history: until then, it has none. */
  fill(): Promise<void>;
  visit(options?: VisitOptions): Promise<Visit>;
}

const pictures = process.env.CHAPERONE_SCREENSHOTS;

const rules = {
  displayName: 'Acme Corporation',
  limits: [
    { name: 'everyone', requests: { count: 2_000, window: '1h' } },
    { name: 'each-user', per: 'User', requests: { count: 60, window: '1m' }, tokens: { count: 400_000, window: '1h' } },
  ],
  budgets: [
    { name: 'month', amountUsd: '0.02', window: 'Month', warnAt: [50, 80, 100], action: 'Warn' },
    { name: 'a-day-of-a-user', per: 'User', amountUsd: '5.00', window: 'Day' },
  ],
  guardrails: [
    { name: 'personal-data', action: 'Redact', restore: true, pii: { kinds: ['email', 'card'] } },
    { name: 'no-secrets', action: 'Block', appliesTo: 'Input', words: { words: ['Nightingale'] } },
    { name: 'promises', action: 'Review', appliesTo: 'Input', words: { words: ['guaranteed'] } },
  ],
  cache: { scope: 'User', ttl: '1h', match: { operations: ['embeddings'] } },
};

export async function startStage(scope: Scope): Promise<Stage> {
  const password = 'correct horse battery staple';
  const hash = await hashPassword(password);
  const prepare = async (directory: string) => {
    await stateHashes(directory, { ann: hash });
    await setSpec(directory, {
      ...rules,
      'authentication.accounts': [accountOf('ann@example.com', 'ann', ['analyst'])],
    });
  };
  const [stack, browser] = await Promise.all([startStack(scope, { prepare }), startChromium(scope)]);
  const admin = await stack.sign({ user: 'root@example.com', roles: ['admin'] });
  const member = await stack.sign({ user: 'grace@example.com', roles: ['member'] });
  const owner = await connect(scope, stack.database.url);
  const url = new URL('/', stack.baseUrl).href;
  const ask: Ask = async (method, path, body, token = admin) => {
    const answer = await fetch(new URL(path, url), {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: await answer.json() };
  };
  if (pictures !== undefined) mkdirSync(pictures, { recursive: true });
  return {
    stack,
    browser,
    url,
    admin,
    member,
    password,
    ask,
    async fill() {
      const { rows } = await owner.query('select organization_id as id from chaperone.organizations');
      await addHistory(owner, rows[0].id, pictures === undefined ? 1 : 24);
      await makeCalls(stack);
      await addContents(ask);
      await leaveJobs(owner, rows[0].id);
    },
    visit: (options = {}) => begin({ browser, url, admin }, options),
  };
}

async function begin(
  { browser, url, admin }: Pick<Stage, 'browser' | 'url' | 'admin'>,
  options: VisitOptions,
): Promise<Visit> {
  const { token = admin, at = '/', browser: asked = {}, complaints } = options;
  const context = await browser.newContext({
    ...{ locale: 'en-US', timezoneId: 'UTC', viewport: { width: 1360, height: 900 }, ...asked },
  });
  const page = await context.newPage();
  const said: string[] = [];
  const elsewhere: string[] = [];
  // Also what the page's Content-Security-Policy forbids, and failed requests.
  page.on('console', (message) => message.type() === 'error' && said.push(message.text()));
  page.on('pageerror', (error) => said.push(String(error)));
  page.on('request', (request) => {
    const address = request.url();
    if (!address.startsWith(url) && !address.startsWith('data:')) elsewhere.push(address);
  });
  if (token !== null) {
    const kept = JSON.stringify({ token });
    await context.addInitScript(`sessionStorage.setItem('chaperone-console', ${JSON.stringify(kept)})`);
  }
  await page.goto(`${url}console#${at}`);
  const settled = async () => {
    await until(
      async () =>
        (await page.locator('main[aria-busy=false] h1').count()) === 1 &&
        (await page.locator('.skeleton').count()) === 0,
      `the page of ${page.url()} to be there`,
    );
  };
  return {
    ...{ page, context, settled },
    main: page.locator('main'),
    async go(place) {
      await page.evaluate(`location.hash = ${JSON.stringify(`#${place}`)}`);
      await settled();
    },
    async picture(name) {
      if (pictures === undefined) return;
      await page.screenshot({ path: join(pictures, `${name}.png`), animations: 'disabled' });
    },
    async leave() {
      await context.close();
      assert.deepEqual(elsewhere, [], 'requests to elsewhere');
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
