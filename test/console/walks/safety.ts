import assert from 'node:assert/strict';
import { it } from 'node:test';
import { hostile } from '../calls.ts';
import { type Stage, shows } from '../stage.ts';

export function walkSafety(stage: () => Stage): void {
  it('shows HTML of others as text', async () => {
    const { visit } = stage();
    const person = await visit({ at: '/requests?session_id=sess_hostile', complaints: /404/ });
    await person.settled();
    await person.main.locator('tbody tr a').first().click();
    await shows(person.main.locator('h1'), /^Request$/);
    await person.page.getByRole('button', { name: 'Show what was said' }).click();
    await shows(person.main.locator('.said').first(), hostile);
    await person.main.getByRole('link', { name: /^on main/ }).click();
    await shows(person.main.locator('.words'), hostile);
    assert.equal(await person.page.evaluate('window.hacked'), undefined);
    assert.equal(await person.page.locator('main img, main script, main b').count(), 0);
    await person.leave();
  });

  it('lets nothing run that is not its own', async () => {
    const { url, stack } = stage();
    const page = await fetch(new URL('/console', url));
    const policy = page.headers.get('content-security-policy') ?? '';
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "frame-ancestors 'none'",
      'require-trusted-types-for',
    ]) {
      assert.ok(policy.includes(part), part);
    }
    assert.doesNotMatch(policy, /unsafe/);
    const text = await page.text();
    assert.doesNotMatch(text, /<script>|<style|style=|https?:/);
    assert.doesNotMatch(stack.log(), /eyJ/, 'no token is in the log');
  });
}
