import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allFakers } from '@faker-js/faker';
import { countrySpecs, isValidIBAN } from 'ibantools';
import { getCountries, getExampleNumber } from 'libphonenumber-js';
import examples from 'libphonenumber-js/examples.mobile.json';
import { makeDetector } from '../../../../../proxy/guardrails/detect/make-detector.ts';
import { found } from '../splits.ts';

// What others take for valid is found, and what they refuse is not. None of them was used to write the detectors.

const faker = allFakers.en;
faker.seed(12);

test('accounts: what ibantools accepts of what faker makes, for every country', async () => {
  const detector = await makeDetector({ detector: 'pii', kinds: ['iban'] });
  const countries = Object.entries(countrySpecs).filter(([, { IBANRegistry, chars }]) => IBANRegistry && chars);
  assert.ok(countries.length > 80);
  let valid = 0;
  for (const [country] of countries) {
    const made = tryTo(() => faker.finance.iban({ countryCode: country }));
    if (made === undefined || !isValidIBAN(made)) continue;
    valid += 1;
    assert.deepEqual(found(detector, `to ${made}.`), [['iban', made]]);
    const mistyped = `${made.slice(0, -1)}${(Number.parseInt(made.slice(-1), 36) + 1) % 10}`;
    assert.equal(found(detector, `to ${mistyped}.`).length > 0, isValidIBAN(mistyped), mistyped);
  }
  assert.ok(valid >= 50, `${valid} countries`);
});

test('cards: those of the large schemes that faker makes', async () => {
  const detector = await makeDetector({ detector: 'pii', kinds: ['card'] });
  for (const issuer of ['visa', 'mastercard', 'american_express', 'discover', 'diners_club', 'jcb']) {
    const cards = Array.from({ length: 50 }, () => faker.finance.creditCardNumber({ issuer }));
    const missed = cards.filter((card) => found(detector, `card ${card}, please`).length !== 1);
    assert.ok(missed.length <= 2, `${issuer}: ${missed}`);
  }
});

test('addresses of mail and of machines that faker makes', async () => {
  const detector = await makeDetector({ detector: 'pii', kinds: ['email', 'ip'] });
  for (let index = 0; index < 300; index++) {
    const mail = faker.internet.email();
    const address = faker.internet.ip();
    assert.deepEqual(found(detector, `${mail} logged in from address ${address}`), [
      ['email', mail],
      ['ip', address],
    ]);
  }
});

test("phones: libphonenumber's example of every country, in its international forms", async () => {
  const detector = await makeDetector({ detector: 'pii', kinds: ['phone'] });
  for (const country of getCountries()) {
    const example = getExampleNumber(country, examples);
    for (const text of [example?.formatInternational(), example?.number]) {
      if (text !== undefined) assert.deepEqual(found(detector, `it is ${text}.`), [['phone', text]], country);
    }
  }
});

function tryTo<Value>(make: () => Value): Value | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
