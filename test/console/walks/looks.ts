import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { it } from 'node:test';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { until } from '../../until.ts';
import { review } from '../contents.ts';
import { type Stage, shows, type Visit } from '../stage.ts';

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
  await page.evaluate(axe);
  const { passes, violations } = (await page.evaluate('axe.run()')) as Results;
  assert.ok(
    passes.some(({ id }) => id === 'color-contrast'),
    'colours were looked at',
  );
  return violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html.slice(0, 300)}: ${failureSummary}`),
  );
}

const wide = { viewport: { width: 1360, height: 900 } };
const narrow = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

/** Colours do not depend on the width, so narrow pages are only measured. */
const looks: Readonly<Record<string, BrowserContextOptions>> = {
  light: { ...wide, colorScheme: 'light' },
  dark: { ...wide, colorScheme: 'dark' },
  narrow: { ...narrow, colorScheme: 'light' },
};

/** Every page, with what is done on it before it is looked at. */
const places: readonly (readonly [name: string, place: string, act?: (person: Visit) => Promise<void>])[] = [
  ['overview', '/'],
  ['overview-30d', '/?range=30d'],
  ['requests', '/requests'],
  ['request', '/requests?user_id=ada@example.com&status=completed&operation=chat', openCall],
  ['sessions', '/sessions'],
  ['conversations', '/conversations'],
  ['conversation', '/conversations?user=ada@example.com', openFirst],
  ['personas', '/personas'],
  ['persona', '/personas', (person) => person.main.getByRole('link', { name: 'Support Agent' }).click()],
  ['persona-edit', '/personas/new', draft],
  ['limits', '/limits'],
  ['guardrails', '/guardrails'],
  ['explain', '/explain?model=gpt-3.5-turbo', ask],
  ['simulate', '/simulate', simulate],
  ['knowledge', '/knowledge'],
  ['article', '/knowledge', openFirst],
  ['analyses', '/analyses'],
  ['reviews', '/reviews'],
  ['review', '/reviews', openFirst],
  ['webhooks', '/webhooks'],
  ['webhook', '/webhooks', openFirst],
  ['jobs', '/jobs'],
  ['audit', '/audit'],
];

async function openFirst({ main }: Visit): Promise<void> {
  await main.locator('tbody tr a').first().click();
}

async function openCall(person: Visit): Promise<void> {
  await openFirst(person);
  await person.page.getByRole('button', { name: 'Show what was said' }).click();
  await person.main.locator('.said').first().waitFor();
}

async function draft({ page }: Visit): Promise<void> {
  await page.getByLabel('Instructions').fill('You answer customers of Acme’s web shop.\nBe friendly and brief.');
}

async function ask({ page, main }: Visit): Promise<void> {
  await page.getByRole('button', { name: 'Explain' }).click();
  await main.locator('.verdict').waitFor();
}

async function simulate({ page, main }: Visit): Promise<void> {
  const resources = page.getByLabel('Resources, as YAML');
  await resources.fill((await resources.inputValue()).replace('count: 60', 'count: 1'));
  await page.getByRole('button', { name: 'Simulate' }).click();
  await main.locator('.tiles').waitFor();
}

export function walkLooks(stage: () => Stage): void {
  for (const [look, browser] of Object.entries(looks)) {
    it(`can be read and operated on every page: ${look}`, async () => {
      assert.equal((await stage().ask('POST', '/api/v1/review/queue', review)).status, 200);
      const person = await stage().visit({ browser, complaints: /404/ });
      const wrong: string[] = [];
      for (const [name, place, act] of places) {
        await person.go(place);
        await act?.(person);
        await person.settled();
        if (look !== 'narrow')
          wrong.push(...(await violationsOf(person.page)).map((violation) => `${name}: ${violation}`));
        const tooWide = await person.page.evaluate('document.documentElement.scrollWidth - innerWidth');
        if (Number(tooWide) > 0) wrong.push(`${name}: the page is ${tooWide} px too wide`);
        await person.picture(`${name}-${look}`);
      }
      assert.deepEqual(wrong, []);
      await person.leave();
      const visitor = await stage().visit({ browser, token: null });
      await shows(visitor.page.locator('h1'), 'Sign in');
      assert.deepEqual(await violationsOf(visitor.page), []);
      await visitor.picture(`sign-in-${look}`);
      await visitor.leave();
    });
  }

  it('paints its first frame within a second, from one script of less than 150 KB', async () => {
    const paints =
      "performance.getEntriesByType('paint').find(({ name }) => name === 'first-contentful-paint').startTime";
    // Other programs of the machine may hold up one visit, or several.
    const person = await until(async () => {
      const visit = await stage().visit();
      await visit.settled();
      if (Number(await visit.page.evaluate(paints)) < 1_000) return visit;
      await visit.leave();
      return undefined;
    }, 'a first frame within a second');
    const sizes =
      "performance.getEntriesByType('resource').filter(({ name }) => /console\\.(js|css)$/.test(name)).map(({ encodedBodySize }) => encodedBodySize)";
    const bytes = ((await person.page.evaluate(sizes)) as number[]).reduce((all, one) => all + one, 0);
    assert.ok(bytes > 10_000 && bytes < 150_000, `${bytes} bytes, gzipped`);
    await person.leave();
  });
}
