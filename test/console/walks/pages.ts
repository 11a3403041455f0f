import assert from 'node:assert/strict';
import { it } from 'node:test';
import { until } from '../../until.ts';
import { type Stage, shows } from '../stage.ts';

export function walkPages(stage: () => Stage): void {
  it('sees what is spent, and by whom', async () => {
    const { visit, ask } = stage();
    const person = await visit();
    await person.settled();
    const { body } = await ask('GET', `/v1/analytics/models?start_date=${new Date().toISOString().slice(0, 10)}`);
    const { total_requests } = body as { total_requests: number };
    await shows(person.main.locator('.tile', { hasText: /^\s*Calls/ }), String(total_requests));
    await shows(person.main, 'gpt-4o-mini');
    await shows(person.main.locator('.panel', { hasText: 'Users' }), 'ada@example.com');
    await shows(person.main.locator('.panel', { hasText: 'Budgets' }), 'month');
    assert.ok((await person.page.locator('console-chart canvas').count()) === 2);
    await person.page.getByRole('button', { name: '30 days' }).click();
    await person.settled();
    assert.match(person.page.url(), /range=30d/);
    await shows(person.main, 'Spend by day');
    await person.leave();
  });

  it('finds a call, and reads its whole story', async () => {
    const { visit } = stage();
    const person = await visit({ at: '/requests' });
    await person.settled();
    const rows = person.main.locator('tbody tr');
    await shows(rows.first(), 'text-embedding-3-small');
    await person.page.getByLabel('Status').selectOption('failed');
    await until(async () => (await rows.first().innerText()).includes('failed'), 'the failed calls');
    for (const text of await rows.allInnerTexts()) assert.match(text, /failed/);
    await person.page.getByLabel('User').fill('ada@example.com');
    await person.page.keyboard.press('Enter');
    await until(async () => person.page.url().includes('user_id=ada'), 'the filter to be in the address');
    await person.settled();
    await rows.first().getByRole('link').click();
    await shows(person.main.locator('h1'), 'Request');
    await shows(person.main, 'Who called');
    await shows(person.main.locator('.panel', { hasText: 'How it was answered' }), '500');
    await person.page.getByRole('button', { name: 'Show what was said' }).click();
    await shows(person.main.locator('.said').first(), 'Summarize it.');
    await person.page.goBack();
    await shows(person.main.locator('h1'), 'Requests');
    assert.equal(await person.page.getByLabel('Status').inputValue(), 'failed');
    await person.leave();
  });

  it('pages through older calls', async () => {
    const { visit } = stage();
    const person = await visit({ at: '/requests' });
    await person.settled();
    const first = person.main.locator('tbody tr a').first();
    const before = await first.getAttribute('href');
    await person.page.getByRole('link', { name: 'Older' }).click();
    await until(async () => (await first.getAttribute('href')) !== before, 'older calls');
    await person.page.getByRole('button', { name: 'Newest' }).click();
    await until(async () => (await first.getAttribute('href')) === before, 'the newest calls');
    await person.leave();
  });

  it('reads a conversation, branch by branch', async () => {
    const { visit } = stage();
    const person = await visit({ complaints: /404/, at: '/conversations?session=sess_checkout_help' });
    await person.settled();
    await person.main.locator('tbody tr', { hasText: /2/ }).getByRole('link').first().click();
    await shows(person.main.locator('h1'), 'Conversation');
    await shows(person.main.locator('.words'), 'Where is my parcel?');
    const branch = person.main.locator('.tree a').last();
    await branch.click();
    await shows(person.main.locator('.words'), 'I would rather cancel it.');
    await person.leave();
  });

  it('changes a persona, after a look at what changes', async () => {
    const { visit } = stage();
    const person = await visit({ at: '/personas/new' });
    await person.settled();
    await person.page.getByLabel('Name', { exact: true }).fill('Tester');
    await person.page.getByLabel('Instructions').fill('Test it.\nTwice.');
    await person.page.getByRole('button', { name: 'Make it' }).click();
    await until(async () => /#\/personas\/[0-9a-f-]{36}$/.test(person.page.url()), 'the persona to be made');
    await person.settled();
    await person.page.getByLabel('Instructions').fill('Test it.\nThree times.');
    await shows(person.main.locator('.diff'), /removed:\s*Twice\.[\s\S]*added:\s*Three times\./);
    await person.page.getByLabel('Parameters, as JSON').fill('{temperature}');
    await person.page.getByRole('button', { name: 'Save' }).click();
    await shows(person.page.locator('.toast'), 'The parameters are no JSON');
    await person.page.getByLabel('Parameters, as JSON').fill('{"temperature": 0.2}');
    await person.page.getByRole('button', { name: 'Save' }).click();
    await shows(person.page.locator('.toast'), 'Saved');
    await person.go('/personas');
    await person.main.getByRole('link', { name: 'Support Agent' }).click();
    await shows(person.main, 'in Kubernetes owns this persona');
    assert.equal(await person.main.locator('textarea').count(), 0);
    await person.leave();
  });

  it('sees limits, budgets, guardrail hits and the audit log', async () => {
    const { visit } = stage();
    const person = await visit({ at: '/limits' });
    await person.settled();
    await shows(person.main.locator('.panel', { hasText: 'Budgets' }).locator('tr', { hasText: 'month' }), '%');
    await shows(person.main, 'each-user');
    await person.go('/guardrails');
    await shows(person.main.locator('.panel', { hasText: 'In calls that went on' }), 'personal-data');
    await shows(person.main.locator('.panel', { hasText: 'Refused' }), 'no-secrets');
    await person.go('/audit?kind=refusal');
    await shows(person.main, 'guardrail_blocked');
    await person.leave();
  });

  it('asks what would happen to a call', async () => {
    const { visit } = stage();
    const person = await visit({ at: '/explain?model=gpt-3.5-turbo' });
    await person.settled();
    await person.page.getByRole('button', { name: 'Explain' }).click();
    await shows(person.main.locator('.verdict'), 'model_not_allowed');
    await shows(person.main.locator('.verdict'), 'spec.models.allow');
    await shows(person.main.locator('.steps'), 'refused');
    await person.page.getByLabel('Body, as JSON').fill('{"messages"');
    await person.page.getByRole('button', { name: 'Explain' }).click();
    await shows(person.page.locator('.toast'), 'The body is no JSON');
    await person.leave();
  });

  it('sees webhooks, and what was sent to them', async () => {
    const { visit } = stage();
    const person = await visit({ at: '/webhooks' });
    await person.settled();
    await person.main.getByRole('link', { name: 'incidents' }).click();
    await shows(person.main, 'hooks.example.com');
    await shows(person.main.locator('tbody'), 'waiting');
    await person.leave();
  });

  it('sees background jobs, and tries one again', async () => {
    const { visit } = stage();
    const person = await visit({ at: '/jobs?state=dead' });
    await person.settled();
    const row = person.main.locator('tbody tr', { hasText: 'analyze-conversation' });
    await shows(row, 'model_not_allowed');
    await row.getByRole('button', { name: /^Try again: job \d+$/ }).click();
    await shows(person.page.locator('.toast'), 'is tried again');
    await shows(person.main, 'No job has failed for good');
    await person.go('/jobs');
    await shows(row, '0 of 10');
    await shows(person.main.locator('tbody tr', { hasText: 'deliver-webhook' }), 'waiting');
    await person.leave();
  });

  it('simulates a change of the Organization', async () => {
    const { visit } = stage();
    const person = await visit({ at: '/simulate' });
    await person.settled();
    const resources = person.page.getByLabel('Resources, as YAML');
    const inForce = await resources.inputValue();
    const changed = inForce
      .replace('count: 60', 'count: 1')
      .replace('displayName: Acme Corporation', 'displayName: Acme');
    await resources.fill(changed);
    await person.page.getByLabel('Calls of').selectOption('24h');
    await person.page.getByRole('button', { name: 'Simulate' }).click();
    await shows(person.main.locator('.changes'), 'spec.limits[each-user].requests.count');
    await shows(person.main.locator('.panel', { hasText: 'Would be refused' }), 'limit_reached');
    await shows(person.main, 'Changes of spec.displayName are not simulated');
    await person.main.locator('.panel', { hasText: 'Would be refused' }).getByRole('link').first().click();
    await shows(person.main.locator('h1'), /^Request$/);
    await person.leave();
  });

  it('reads an article, and what its last version changed', async () => {
    const { visit } = stage();
    const person = await visit({ at: '/knowledge' });
    await person.settled();
    await person.main.getByRole('link', { name: 'Reset a password' }).click();
    await shows(person.main.locator('.prose'), 'Forgot password');
    await shows(person.main.locator('.diff'), /removed:[\s\S]*an hour[\s\S]*added:[\s\S]*a day/);
    assert.equal(await person.main.getByText('Metadata').count(), 0, 'it has none');
    await person.go('/knowledge?search=I%20forgot%20my%20pasword');
    await shows(person.main, 'Reset a password');
    await person.go('/analyses');
    await shows(person.main, 'What it is about');
    await person.leave();
  });

  it('reviews answers by the keyboard alone', async () => {
    const { visit, ask, stack, member } = stage();
    const queued = { query: 'Which stocks should I buy?', response: 'Buy all of them.', category: 'investment_advice' };
    assert.equal((await ask('POST', '/api/v1/review/queue', { ...queued, priority: 1 })).status, 200);
    const promise = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'Is a return guaranteed?' }] };
    const refused = await ask('POST', '/v1/chat/completions', promise, member);
    assert.equal(refused.status, 403);
    const held = /rev-[0-9a-f]{24}/.exec(JSON.stringify(refused.body))?.[0] ?? '';
    const token = await stack.sign({ user: 'rita@example.com', roles: ['reviewer'] });
    const person = await visit({ token, at: '/reviews' });
    await person.settled();
    await shows(person.main, 'Which stocks should I buy?');
    await person.page.keyboard.press('n');
    await shows(person.main, 'Buy all of them.');
    await shows(person.main, 'in review');
    await person.page.keyboard.press('a');
    await shows(person.main.locator('.summary'), 'approved');
    // Which of the others comes next depends on what other walks have taken.
    await person.go(`/reviews/${held}`);
    await shows(person.main, 'Is a return guaranteed?');
    await shows(person.main.locator('.summary'), 'its caller waits');
    await shows(person.main, 'promises');
    await person.page.keyboard.press('a');
    await shows(person.main.locator('.summary'), 'approved');
    await person.leave();
  });

  it('gets about by the keyboard alone', async () => {
    const { visit } = stage();
    const person = await visit();
    await person.settled();
    await person.page.keyboard.press('Tab');
    await person.page.keyboard.press('Enter');
    const focused = 'document.activeElement.tagName';
    assert.equal(await person.page.evaluate(focused), 'H1', 'the first link leads to the content');
    await person.page.locator('nav#navigation a', { hasText: 'Requests' }).focus();
    await person.page.keyboard.press('Enter');
    await person.settled();
    await until(
      async () => (await person.page.evaluate(focused)) === 'H1',
      'the heading of the page to have the focus',
    );
    await shows(person.main.locator('h1'), 'Requests');
    assert.match(await person.page.title(), /^Requests – Acme Corporation/);
    await person.leave();
  });
}
