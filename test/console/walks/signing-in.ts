import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Stage, shows } from '../stage.ts';

/** What of the page's addresses and storage could give a token away. */
const traces = `JSON.stringify([location.href, Object.entries(localStorage), document.cookie])`;

export function walkSigningIn(stage: () => Stage): void {
  it('finds the console at the address of the proxy, and signs in by a token', async () => {
    const { visit, url, admin } = stage();
    const person = await visit({ token: null, complaints: /401/ });
    const answer = await person.page.goto(url);
    assert.match(String(answer?.headers()['content-type']), /text\/html/);
    assert.equal(new URL(person.page.url()).pathname, '/console');
    await person.page.getByLabel('Token or key', { exact: true }).fill('wrong');
    await person.page.keyboard.press('Enter');
    await shows(person.page.getByRole('alert'), /credential|token/i);
    await person.page.getByLabel('Token or key', { exact: true }).fill(admin);
    await person.page.keyboard.press('Enter');
    await shows(person.page.locator('h1'), 'Overview');
    assert.doesNotMatch(String(await person.page.evaluate(traces)), new RegExp(admin.slice(-20)));
    await person.page.reload();
    await shows(person.page.locator('h1'), 'Overview');
    // Another tab is another sign-in.
    const other = await person.context.newPage();
    await other.goto(`${url}console`);
    await shows(other.locator('h1'), 'Sign in');
    await person.page.getByRole('button', { name: 'Sign out' }).click();
    await shows(person.page.locator('h1'), 'Sign in');
    assert.equal(await person.page.evaluate('sessionStorage.length'), 0);
    await person.leave();
  });

  it('asks for the user where a token names none', async () => {
    const { visit, stack } = stage();
    const person = await visit({ token: null, complaints: /400/ });
    await person.page.getByLabel('Token or key', { exact: true }).fill(stack.token);
    await person.page.keyboard.press('Enter');
    await shows(person.page.getByRole('alert'), 'Name the user');
    await person.page.getByLabel('Act for the user').fill('ada@example.com');
    await person.page.keyboard.press('Enter');
    await shows(person.page.locator('.who'), 'ada@example.com');
    await person.leave();
  });

  it('signs in by an account, and ends that login at the server', async () => {
    const { visit, password, url } = stage();
    const person = await visit({ token: null, complaints: /401/ });
    await person.page.getByRole('button', { name: 'Account' }).click();
    await person.page.getByLabel('User').fill('ann@example.com');
    await person.page.getByLabel('Password').fill('wrong');
    await person.page.keyboard.press('Enter');
    await shows(person.page.getByRole('alert'), /./);
    await person.page.getByLabel('Password').fill(password);
    await person.page.keyboard.press('Enter');
    await shows(person.page.locator('.who'), 'ann@example.com');
    const { token } = JSON.parse(String(await person.page.evaluate('sessionStorage.getItem("chaperone-console")')));
    await person.page.getByRole('button', { name: 'Sign out' }).click();
    await shows(person.page.locator('h1'), 'Sign in');
    const after = await fetch(new URL('/v1/me', url), { headers: { authorization: `Bearer ${token}` } });
    assert.equal(after.status, 401);
    await person.leave();
  });
}
