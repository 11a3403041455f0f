import { it } from 'node:test';
import { until } from '../../until.ts';
import { say } from '../calls.ts';
import { type Stage, shows } from '../stage.ts';

export function walkLive(stage: () => Stage): void {
  it('shows a call as soon as it has ended, and goes on when its stream breaks off', async () => {
    const { visit, stack } = stage();
    const person = await visit({ at: '/requests', complaints: /ERR_/ });
    await person.settled();
    await shows(person.main.locator('.age'), 'Live');
    const first = person.main.locator('tbody tr a').first();
    const before = await first.getAttribute('href');
    await say(stack, 'grace@example.com');
    await until(async () => (await first.getAttribute('href')) !== before, 'the new call to be shown');
    await person.page.route('**/v1/changes*', (route) => route.abort());
    // Another tab in front, and back.
    await turn(person.page, 'hidden');
    await turn(person.page, 'visible');
    await until(async () => /^As of/.test(await person.main.locator('.age').innerText()), 'no stream');
    await person.page.unroute('**/v1/changes*');
    await shows(person.main.locator('.age'), 'Live');
    await person.leave();
  });

  it('leads to the sign-in when the credential ends, without a click', async () => {
    const { visit, ask } = stage();
    const made = await ask('POST', '/v1/keys', { name: `key ${Date.now()}`, type: 'secret', roles: ['analyst'] });
    const { id, key } = made.body as { id: string; key: string };
    const person = await visit({ token: null, complaints: /40[01]/ });
    await person.page.getByLabel('Token or key', { exact: true }).fill(key);
    await person.page.keyboard.press('Enter');
    await shows(person.page.getByRole('alert'), 'Name the user');
    await person.page.getByLabel('Act for the user').fill('ann@example.com');
    await person.page.keyboard.press('Enter');
    await shows(person.main.locator('.age'), 'Live');
    await ask('DELETE', `/v1/keys/${id}`);
    await shows(person.page.locator('h1'), 'Sign in');
    await person.leave();
  });
}

/** As a browser says it of a tab. */
async function turn(page: { evaluate(script: string): Promise<unknown> }, state: 'hidden' | 'visible'): Promise<void> {
  await page.evaluate(
    `Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true });
     document.dispatchEvent(new Event('visibilitychange'));`,
  );
}
