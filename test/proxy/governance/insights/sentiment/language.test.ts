import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { type IsEnglish, loadIsEnglish } from '../../../../../proxy/governance/insights/sentiment/language.ts';
import { loadLexicon } from '../../../../../proxy/governance/insights/sentiment/lexicon.ts';

const english = [
  'The agent answered my question at once, and the answer was right.',
  'Great!',
  'lol omg sux',
  'angry. so fucking angry.',
  'I have been waiting for my refund since Monday.',
  ':) :) 👍',
  '12345',
  'THIS IS THE WORST COMPANY EVER',
];
const others = [
  'Der Kundendienst hat mir sehr schnell und freundlich geholfen.',
  'Sehr schlechter Service!',
  'Merci beaucoup pour votre aide, je suis très content.',
  'El servicio fue muy malo y nadie me contestó.',
  'Il servizio clienti è stato molto gentile con me.',
  'O atendimento foi muito bom, obrigado pela ajuda.',
  'De klantenservice heeft mij heel snel geholpen.',
  'Obsługa klienta była bardzo miła i pomocna.',
  'Müşteri hizmetleri çok yardımcı oldu, teşekkür ederim.',
  'Я очень доволен вашей службой поддержки',
  'カスタマーサポートはとても親切でした',
  '客服非常有帮助',
  'خدمة العملاء كانت ممتازة',
  'Dịch vụ khách hàng rất tốt'.normalize('NFD'),
];

describe('the language of a text', () => {
  let isEnglish: IsEnglish;
  before(async () => {
    isEnglish = await loadIsEnglish(await loadLexicon());
  });

  for (const text of english) it(`is English: ${text}`, () => assert.equal(isEnglish({ text }), true));
  for (const text of others) it(`is not English: ${text}`, () => assert.equal(isEnglish({ text }), false));
  it('is the one that is stated', () => {
    assert.equal(isEnglish({ text: 'Merci beaucoup', language: 'en-GB' }), true);
    assert.equal(isEnglish({ text: 'Thank you', language: 'fr' }), false);
    assert.equal(isEnglish({ text: 'Thank you', language: 'enm' }), false);
  });
});
