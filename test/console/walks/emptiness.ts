import { it } from 'node:test';
import { type Stage, shows } from '../stage.ts';

/** What each page says where there is nothing. Resources state personas, limits and changes, so a filter leaves those out. */
const empty: readonly (readonly [place: string, text: string])[] = [
  ['/', 'No calls in this period'],
  ['/', 'Nobody has called in this period'],
  ['/', 'No call has failed in this period'],
  ['/requests', 'There are no calls yet'],
  ['/sessions', 'There are no sessions here'],
  ['/conversations', 'There are no conversations here'],
  ['/limits?name=nothing', 'No limit is like this'],
  ['/limits?name=nothing', 'No budget is like this'],
  ['/personas?state=inactive', 'There are no personas here'],
  ['/guardrails', 'No guardrail has found anything'],
  ['/guardrails', 'No guardrail has refused a call'],
  ['/explain', 'Ask about a call'],
  ['/simulate', 'Change something, and simulate it'],
  ['/knowledge', 'There are no articles here'],
  ['/analyses?page=9', 'There are no configs'],
  ['/reviews', 'Nothing waits for a review'],
  ['/webhooks', 'There are no webhooks'],
  ['/jobs', 'No jobs wait'],
  ['/jobs?state=dead', 'No job has failed for good'],
  ['/audit?actor=nobody', 'No entry is like this'],
];

export function walkEmptiness(stage: () => Stage): void {
  it('says on every page what would be there, and how it comes to be', async () => {
    const person = await stage().visit();
    for (const [place, text] of empty) {
      await person.go(place);
      await shows(person.main, text);
      await person.picture(`empty${place.replaceAll(/\W+/g, '-')}`);
    }
    await person.go('/');
    await person.picture('empty');
    await person.leave();
  });
}
