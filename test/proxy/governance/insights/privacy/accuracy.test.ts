import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { en, Faker } from '@faker-js/faker';
import {
  makePersonalDetector,
  type PersonalKind,
  personalKindOf,
  personalKinds,
} from '../../../../../proxy/governance/insights/privacy/kinds.ts';
import type { Detector } from '../../../../../proxy/guardrails/detect/detector.ts';
import { makeCorpus } from '../../../guardrails/detect/corpus/corpus.ts';

/** What is asked of kinds: those with a check digit or a form of their own, and those that only words around them show. */
const reach: Readonly<Record<PersonalKind, { readonly precision: number; readonly recall: number }>> = {
  email: { precision: 0.95, recall: 0.95 },
  card_number: { precision: 0.95, recall: 0.95 },
  iban: { precision: 0.95, recall: 0.95 },
  ip_address: { precision: 0.95, recall: 0.95 },
  secret: { precision: 0.95, recall: 0.95 },
  account_number: { precision: 0.95, recall: 0.95 },
  phone_number: { precision: 0.95, recall: 0.95 },
  national_id: { precision: 0.95, recall: 0.95 },
  date_of_birth: { precision: 0.95, recall: 0.95 },
  address: { precision: 0.8, recall: 0.8 },
  name: { precision: 0.8, recall: 0.8 },
};

interface Labelled {
  readonly text: string;
  readonly spans: readonly { readonly start: number; readonly end: number; readonly kind: PersonalKind }[];
}

/** Whose ends are a matter of opinion: that a match overlaps is enough. */
const approximate: readonly PersonalKind[] = ['address', 'name'];

describe('anonymization over labelled texts', () => {
  let detector: Detector;
  before(async () => {
    detector = await makePersonalDetector(personalKinds, undefined);
  });

  const measure = (
    texts: readonly Labelled[],
    context: { diagnostic(text: string): void },
    kinds: readonly string[],
  ) => {
    const counts = new Map<PersonalKind, { expected: number; found: number; right: number }>();
    const countOf = (kind: PersonalKind) => {
      const count = counts.get(kind) ?? { expected: 0, found: 0, right: 0 };
      counts.set(kind, count);
      return count;
    };
    for (const { text, spans } of texts) {
      const matches = detector.scan(text).map(({ kind, ...place }) => ({ ...place, kind: personalKindOf(kind) }));
      for (const { kind } of matches) countOf(kind).found += 1;
      for (const span of spans) {
        const count = countOf(span.kind);
        count.expected += 1;
        const isRight = matches.some(({ kind, start, end }) => {
          if (kind !== span.kind) return false;
          return approximate.includes(kind)
            ? start < span.end && end > span.start
            : start === span.start && end === span.end;
        });
        if (isRight) count.right += 1;
      }
    }
    for (const [kind, { expected, found, right }] of counts) {
      if (!kinds.includes(kind)) continue;
      const [precision, recall] = [found === 0 ? 1 : right / found, right / expected];
      context.diagnostic(`${kind}: ${expected}, precision ${precision.toFixed(3)}, recall ${recall.toFixed(3)}`);
      assert.ok(precision >= reach[kind].precision, `${kind}: precision ${precision}`);
      assert.ok(recall >= reach[kind].recall, `${kind}: recall ${recall}`);
    }
    assert.deepEqual(
      kinds.filter((kind) => ![...counts].some(([one, { expected }]) => one === kind && expected > 20)),
      [],
    );
  };

  it('finds as much with all kinds together as each detector alone', (context) => {
    const texts = makeCorpus(10).map(({ text, spans }) => ({
      text,
      spans: spans.map(({ kind, ...place }) => ({ ...place, kind: personalKindOf(kind) })),
    }));
    // The corpus has names and accounts without labels.
    const unlabelled: readonly string[] = ['name', 'account_number'];
    measure(
      texts,
      context,
      personalKinds.filter((kind) => !unlabelled.includes(kind)),
    );
  });

  it('finds names of people and numbers of accounts in what customers write', (context) => {
    measure(makeMessages(400), context, ['name', 'account_number']);
  });
});

const templates = [
  'Hello, this is {name}. I have not received my card yet.',
  'My name is {name} and my account number is {account}.',
  '{name} called yesterday about a refund.',
  'Please send the contract to {name}, not to {name}.',
  'I spoke with {name} last week, and nothing has happened since.',
  'Account no. {account} is blocked. Can you help?',
  'The customer number {account} belongs to my wife, {name}.',
  'Could {name} call me back about policy {account}?',
  'Regards,\n{name}',
  'I paid 250 dollars on Monday, and the balance of account {account} is still wrong.',
  'Thanks to {name} for the quick answer!',
  'My loan number is {account}, and my order is 20458.',
  'The app crashes on Android 14, and version 2.3.1 did not help.',
  'I waited 45 minutes on Friday, and nobody from New York answered.',
  'Mr. {last} told me that the invoice is from March.',
  'Is {name} still working in your branch in Boston?',
];

/** Messages with names and numbers that are the same each time. */
function makeMessages(count: number): Labelled[] {
  const faker = new Faker({ locale: en, seed: 7 });
  const values: Readonly<Record<string, () => readonly [PersonalKind, string]>> = {
    name: () => ['name', `${faker.person.firstName()} ${faker.person.lastName()}`],
    last: () => ['name', faker.person.lastName()],
    account: () => ['account_number', faker.string.numeric({ length: { min: 8, max: 12 }, allowLeadingZeros: false })],
  };
  return Array.from({ length: count }, (_, at) => {
    const spans: { start: number; end: number; kind: PersonalKind }[] = [];
    let text = '';
    for (const part of (templates[at % templates.length] ?? '').split(/\{(\w+)\}/)) {
      const value = values[part];
      if (!value) {
        text += part;
        continue;
      }
      const [kind, shown] = value();
      spans.push({ start: text.length, end: text.length + shown.length, kind });
      text += shown;
    }
    return { text, spans };
  });
}
