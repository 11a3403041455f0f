import { makeId } from './ids.ts';
import { negatives } from './negatives.ts';
import { makeCard, makeIban, makeIp, makePhone } from './numbers.ts';
import { makeEmail, makePerson } from './people.ts';
import { makeRandom, type Random } from './random.ts';
import { makeSecret } from './secret-values.ts';
import { development, heldOut } from './templates.ts';

/** What is to be found: a kind and where it is, in UTF-16 units. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly kind: string;
  /** The detector that ought to find it. */
  readonly detector: 'pii' | 'secrets';
}

export interface Item {
  readonly text: string;
  readonly spans: readonly Span[];
  /** Whether its template was written apart from the code. */
  readonly isHeldOut: boolean;
}

interface Value {
  readonly text: string;
  readonly kind: string;
  readonly detector?: Span['detector'];
}

/** A corpus that is the same on every machine. @param count how many items each template makes */
export function makeCorpus(count: number, seed = 12): Item[] {
  const random = makeRandom(seed);
  const fill = (templates: readonly string[], isHeldOut: boolean) =>
    templates.flatMap((template) => Array.from({ length: count }, () => makeItem(random, template, isHeldOut)));
  return [...fill(development, false), ...fill(heldOut, true)];
}

function makeItem(random: Random, template: string, isHeldOut: boolean): Item {
  const spans: Span[] = [];
  let text = '';
  const id = template.includes('{nationalId}') ? makeId(random) : undefined;
  for (const part of template.split(/(\{-?\w+\})/)) {
    const place = /^\{(-?)(\w+)\}$/.exec(part);
    if (place === null) {
      text += part;
      continue;
    }
    const [, isNegative, name = ''] = place;
    const value: Value = isNegative
      ? { text: negatives[name]?.(random) ?? fail(name), kind: name }
      : name === 'nationalId' || name === 'idTitle'
        ? { text: (name === 'idTitle' ? id?.title : id?.value) ?? '', kind: name, ...(name === 'nationalId' && pii) }
        : makeValue(random, name);
    const start = text.length;
    text += value.text;
    if (value.detector) spans.push({ start, end: text.length, kind: value.kind, detector: value.detector });
  }
  return { text, spans, isHeldOut };
}

const pii = { detector: 'pii' } as const;

function makeValue(random: Random, name: string): Value {
  switch (name) {
    case 'email':
      return { text: makeEmail(random), kind: 'email', ...pii };
    case 'card':
      return { text: makeCard(random), kind: 'card', ...pii };
    case 'iban':
      return { text: makeIban(random), kind: 'iban', ...pii };
    case 'ip':
      return { text: makeIp(random), kind: 'ip', ...pii };
    case 'ip4':
      return { text: `10.${random.integer(0, 255)}.${random.integer(0, 255)}.9`, kind: 'ip', ...pii };
    case 'phone':
      return { text: makePhone(random), kind: 'phone', ...pii };
    case 'birthday':
      return { text: makeBirthday(random), kind: 'dateOfBirth', ...pii };
    case 'address':
      return { text: makeAddress(random), kind: 'address', ...pii };
    case 'name': {
      const { first, last } = makePerson(random);
      return { text: `${first} ${last}`, kind: 'name', ...pii };
    }
    case 'secret': {
      const { kind, value } = makeSecret(random);
      return { text: value, kind, detector: 'secrets' };
    }
    default:
      return fail(name);
  }
}

function fail(name: string): never {
  throw new Error(`There are no values for {${name}}`);
}

const months = 'January February March April May June July August September October November December'.split(' ');
const monate = 'Januar Februar März April Mai Juni Juli August September Oktober November Dezember'.split(' ');

function makeBirthday(random: Random): string {
  const [year, month, day] = [random.integer(1930, 2010), random.integer(1, 12), random.integer(1, 28)];
  const [mm, dd] = [String(month).padStart(2, '0'), String(day).padStart(2, '0')];
  return random.pick([
    `${year}-${mm}-${dd}`,
    `${dd}/${mm}/${year}`,
    `${dd}.${mm}.${year}`,
    `${mm}/${dd}/${year}`,
    `${day} ${months[month - 1]} ${year}`,
    `${months[month - 1]} ${day}, ${year}`,
    `${day}. ${monate[month - 1]} ${year}`,
  ]);
}

function makeAddress(random: Random): string {
  const number = random.integer(1, 240);
  const zip = random.digits(5).replace(/^0/, '1');
  return random.pick([
    () =>
      `${number} ${random.pick(['Maple', 'Old Mill', 'King', 'West 42nd'])} ${random.pick(['Street', 'Ave', 'Road', 'Lane', 'Blvd'])}`,
    () => `${number} Oak Drive, Apt ${random.integer(1, 40)}, Springfield, IL ${zip}`,
    () => `${number} High Street, Oxford OX1 4BH`,
    () =>
      `${random.pick(['Goethestraße', 'Lindenweg', 'Schillerplatz', 'Gartenstr.'])} ${number}, ${zip} ${random.pick(['Berlin', 'Köln'])}`,
    () =>
      `${number} ${random.pick(['rue', 'avenue', 'boulevard'])} ${random.pick(['Victor Hugo', 'de la République'])}, ${zip} Lyon`,
    () => `${random.pick(['Calle Mayor', 'Avenida de América'])}, ${number}`,
    () => `${random.pick(['Via Garibaldi', 'Piazza Dante'])} ${number}`,
    () => `${random.pick(['Kerkstraat', 'Herengracht'])} ${number}`,
    () => `Rua das Flores, ${number}`,
    () => `ul. Długa ${number}`,
  ])();
}
