import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Stage, shows } from '../stage.ts';

export function walkFailures(stage: () => Stage): void {
  it('says what is wrong, what to do, and goes on by itself when it is over', async () => {
    const { visit } = stage();
    const person = await visit({ at: '/requests', complaints: /503|ERR_/ });
    await person.settled();
    const away = {
      ...{ status: 503, contentType: 'application/json', headers: { 'x-request-id': 'req_broken' } },
      body: JSON.stringify({
        error: { code: 'store_unavailable', type: 'server_error', message: 'The database is away', param: null },
      }),
    };
    await person.page.route('**/v1/requests*', (route) => route.fulfill(away));
    await person.page.getByLabel('Status').selectOption('failed');
    const problem = person.page.getByRole('alert');
    await shows(problem, 'The database is away');
    await shows(problem, 'Calls go on meanwhile');
    await shows(problem, 'req_broken');
    await shows(problem, 'from before');
    assert.ok((await person.main.locator('tbody tr').count()) > 0, 'what was there stays');
    await person.page.unroute('**/v1/requests*');
    await problem.getByRole('button', { name: 'Try again' }).click();
    await person.settled();
    await problem.waitFor({ state: 'detached' });
    await person.page.route('**/v1/limits*', (route) => route.abort());
    await person.go('/limits');
    await shows(problem, 'cannot be reached');
    await person.page.unroute('**/v1/limits*');
    await problem.getByRole('button', { name: 'Try again' }).click();
    await shows(person.main, 'each-user');
    await person.leave();
  });

  it('names what does not exist, and ends where the credential ends', async () => {
    const { visit } = stage();
    const person = await visit({ at: '/nowhere', complaints: /40[14]/ });
    await shows(person.main, 'There is no such page');
    await person.go(`/requests/req_${'0'.repeat(32)}`);
    await shows(person.page.getByRole('alert'), 'older than the retention');
    await person.page.evaluate('sessionStorage.setItem("chaperone-console", JSON.stringify({ token: "no" }))');
    await person.page.route('**/v1/**', (route) => route.fulfill({ status: 401, body: '{}' }));
    await person.page.evaluate("location.hash = '#/limits'");
    await shows(person.main, 'Sign in again');
    await person.page.unrouteAll();
    await person.leave();
  });

  it('shows a member their own calls, and no page that is not theirs', async () => {
    const { visit, member } = stage();
    const person = await visit({ token: member, at: '/requests' });
    await person.settled();
    const users = await person.main.locator('tbody tr td:nth-child(4)').allInnerTexts();
    assert.deepEqual([...new Set(users)], ['grace@example.com']);
    assert.equal(await person.page.locator('nav#navigation a', { hasText: 'Audit log' }).count(), 0);
    await person.go('/audit');
    await shows(person.main, 'This page is for admin');
    await person.go('/');
    await shows(person.main.locator('.panel', { hasText: 'Users' }), 'grace@example.com');
    await person.leave();
  });

  it('says of what is empty how it comes to be', async () => {
    const { visit, stack } = stage();
    const nobody = await stack.sign({ user: 'newcomer@example.com', roles: ['member'] });
    const person = await visit({ token: nobody });
    await person.settled();
    await shows(person.main, 'No calls in this period');
    for (const [place, text] of [
      ['/requests', 'You have made no calls yet'],
      ['/requests?status=failed', 'No call is like this'],
      ['/sessions', 'There are no sessions here'],
      ['/conversations', 'There are no conversations here'],
      ['/guardrails', 'No guardrail has found anything'],
    ] as const) {
      await person.go(place);
      await shows(person.main, text);
    }
    await person.leave();
  });
}
