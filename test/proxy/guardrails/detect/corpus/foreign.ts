import { allFakers, type Faker } from '@faker-js/faker';
import type { Item, Span } from './corpus.ts';

const locales = ['en_US', 'en_GB', 'de', 'fr', 'es', 'it', 'nl', 'pl', 'sv', 'pt_BR'] as const;

/** What faker has for a place of a template, and what kind of personal data it is, if we look for it. */
const places: Readonly<Record<string, readonly [kind: string | undefined, make: (faker: Faker) => string]>> = {
  email: ['email', (faker) => faker.internet.email()],
  credit_card_number: [
    'card',
    (faker) =>
      faker.finance.creditCardNumber({
        issuer: faker.helpers.arrayElement(['visa', 'mastercard', 'american_express']),
      }),
  ],
  iban: ['iban', (faker) => faker.finance.iban({ formatted: faker.datatype.boolean() })],
  ip_address: ['ip', (faker) => faker.internet.ip()],
  phone_number: ['phone', (faker) => faker.phone.number({ style: 'international' })],
  ssn: ['nationalId', () => '536-90-4399'],
  date_of_birth: ['dateOfBirth', (faker) => faker.date.birthdate().toISOString().slice(0, 10)],
  address: [
    'address',
    (faker) => `${faker.location.streetAddress()}, ${faker.location.zipCode()} ${faker.location.city()}`,
  ],
  person: ['name', (faker) => faker.person.fullName()],
  name: ['name', (faker) => faker.person.fullName()],
  name_male: ['name', (faker) => faker.person.fullName({ sex: 'male' })],
  name_female: ['name', (faker) => faker.person.fullName({ sex: 'female' })],
  first_name: ['name', (faker) => faker.person.firstName()],
  first_name_male: ['name', (faker) => faker.person.firstName('male')],
  first_name_female: ['name', (faker) => faker.person.firstName('female')],
  first_name_nonbinary: ['name', (faker) => faker.person.firstName()],
  last_name: ['name', (faker) => faker.person.lastName()],
  last_name_male: ['name', (faker) => faker.person.lastName('male')],
  last_name_female: ['name', (faker) => faker.person.lastName('female')],
  organization: [undefined, (faker) => faker.company.name()],
  city: [undefined, (faker) => faker.location.city()],
  country: [undefined, (faker) => faker.location.country()],
  street_name: [undefined, (faker) => faker.location.street()],
  building_number: [undefined, (faker) => faker.location.buildingNumber()],
  secondary_address: [undefined, (faker) => faker.location.secondaryAddress()],
  postcode: [undefined, (faker) => faker.location.zipCode()],
  zipcode: [undefined, (faker) => faker.location.zipCode()],
  state_abbr: [undefined, () => 'CA'],
  age: [undefined, (faker) => String(faker.number.int({ min: 18, max: 90 }))],
  year: [undefined, (faker) => String(faker.number.int({ min: 1950, max: 2025 }))],
  url: [undefined, (faker) => faker.internet.url()],
  job: [undefined, (faker) => faker.person.jobTitle()],
  date_time: [undefined, (faker) => faker.date.past().toISOString()],
  day_of_week: [undefined, () => 'Monday'],
  us_driver_license: [undefined, () => 'D1234567'],
};

/**
 * Fills templates of others with the values of others: those of `presidio-evaluator` on PyPI
 * (`presidio_evaluator/data_generator/raw_data/templates.txt`), with what faker makes. Neither knows our detectors.
 */
export function fillTemplates(templates: string, count: number): Item[] {
  const fakers = locales.map((locale) => allFakers[locale]);
  const lines = templates.split('\n').filter((line) => line.trim() !== '');
  const withLineBreaks = (line: string) => line.replaceAll('\\n', '\n');
  return lines.flatMap((line, index) =>
    Array.from({ length: count }, (_, each) => {
      const faker = fakers[(index + each) % fakers.length] as Faker;
      faker.seed(index * count + each);
      return fill(withLineBreaks(line), faker);
    }),
  );
}

function fill(template: string, faker: Faker): Item {
  const spans: Span[] = [];
  let text = '';
  for (const part of template.split(/(\{\{\w+\}\})/)) {
    const name = /^\{\{(\w+)\}\}$/.exec(part)?.[1];
    const [kind, make] = (name === undefined ? undefined : places[name]) ?? [
      undefined,
      () => (name === undefined ? part : ''),
    ];
    const start = text.length;
    text += make(faker);
    if (kind !== undefined) spans.push({ start, end: text.length, kind, detector: 'pii' });
  }
  return { text, spans, isHeldOut: true };
}
