import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escalationReasons } from '../../../../proxy/governance/support/conversations.ts';
import { makeTextsIn, sayHandover } from '../../../../proxy/governance/support/texts.ts';

const handover = 'Over to a colleague.';

for (const [what, stated, language, expected] of [
  ['ours, in English', undefined, undefined, /^Of course\. I am handing/],
  ['ours, in the customer’s language', undefined, 'de', /^Gerne\. Ich gebe/],
  ['ours in English, for a language that we do not have', undefined, 'tlh', /^Of course\./],
  ['ours, where the organization states another one', { waiting: 'Wait.' }, 'fr', /^Bien sûr\./],
  ['the organization’s handover', { handover }, 'de', /^Over to a colleague\.$/],
  ['the organization’s own', { handover, requested: 'Sure!' }, 'de', /^Sure!$/],
  [
    'its handover in the language',
    { handover, translations: [{ language: 'de', handover: 'Gleich.' }] },
    'de',
    /^Gleich/,
  ],
  ['its own in the language', { translations: [{ language: 'de', requested: 'Klar.' }] }, 'de', /^Klar\.$/],
  ['not that of another language', { translations: [{ language: 'de', requested: 'Klar.' }] }, 'en', /^Of course/],
] as const) {
  test(`a customer who has asked for a human reads ${what}`, () => {
    const texts = makeTextsIn(stated as Parameters<typeof makeTextsIn>[0])(language);
    assert.match(sayHandover(texts, 'customer_request'), expected);
  });
}

test('every language has every text, and only those who got no answer read that there is none', () => {
  for (const language of ['da', 'de', 'en', 'es', 'fr', 'it', 'nl', 'pl', 'pt', 'sv']) {
    const texts = makeTextsIn(undefined)(language);
    assert.equal(new Set(Object.values(texts)).size, 5, language);
    assert.equal(
      new Set([texts, makeTextsIn(undefined)('en')].map(({ unknown }) => unknown)).size,
      language === 'en' ? 1 : 2,
    );
    for (const reason of escalationReasons) assert.ok(!sayHandover(texts, reason).includes(texts.unknown));
  }
});
