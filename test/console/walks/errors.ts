import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type Stage, shows } from '../stage.ts';

const id = '00000000-0000-4000-8000-000000000000';
const reviewItem = `/reviews/rev-${'0'.repeat(24)}`;

/** Every page that asks for something before it shows anything. */
const places = [
  ...['/', '/requests', `/requests/req_${'0'.repeat(32)}`, '/sessions', '/conversations', `/conversations/${id}`],
  ...['/limits', '/personas', `/personas/${id}`, '/guardrails', '/simulate', '/knowledge', '/knowledge/kb_1'],
  ...['/analyses', '/reviews', reviewItem, '/webhooks', `/webhooks/${id}`, '/jobs', '/audit'],
];

/** The pages of single things, with what is said of one that does not exist. */
const absent: readonly (readonly [place: string, text: RegExp])[] = [
  [`/requests/req_${'0'.repeat(32)}`, /Request not found/],
  [`/conversations/${id}`, /^Conversation .* not found/],
  [`/personas/${id}`, /Persona not found/],
  ['/knowledge/kb_1', /Article not found/],
  [reviewItem, /Review item not found/],
  [`/webhooks/${id}`, /Webhook not found/],
];

export function walkErrors(stage: () => Stage): void {
  it('says on every page that the database is away, and shows the page when it is back', async () => {
    const person = await stage().visit({ at: '/explain', complaints: /503/ });
    await person.settled();
    const away = {
      ...{ status: 503, contentType: 'application/json' },
      body: JSON.stringify({ error: { code: 'store_unavailable', message: 'The database is away' } }),
    };
    const asked = /\/(v1|api)\/(?!me$)/;
    await person.page.route(asked, (route) => route.fulfill(away));
    for (const place of places) {
      await person.go(place);
      await shows(person.page.getByRole('alert'), 'The database is away');
      assert.equal(await person.main.locator('table, form').count(), 0, `${place} shows nothing that it does not know`);
      await person.picture(`error${place.replaceAll(/\W+/g, '-')}`);
    }
    await person.page.unroute(asked);
    await shows(person.main, 'Organization/acme');
    await person.leave();
  });

  it('says of every single thing that it does not exist', async () => {
    const person = await stage().visit({ complaints: /404/ });
    for (const [place, text] of absent) {
      await person.go(place);
      await shows(person.page.getByRole('alert'), text);
    }
    await person.leave();
  });

  it('says what is wrong with a question', async () => {
    const person = await stage().visit({ at: '/simulate', complaints: /40\d/ });
    await person.settled();
    const toast = person.page.locator('.toast');
    await person.page.getByLabel('Resources, as YAML').fill('kind: [');
    await person.page.getByRole('button', { name: 'Simulate' }).click();
    await shows(toast, 'resources:1');
    await person.go('/explain');
    await person.page.getByLabel('User').fill('x'.repeat(300));
    await person.page.getByRole('button', { name: 'Explain' }).click();
    await shows(toast, 'user_id');
    await person.leave();
  });
}
