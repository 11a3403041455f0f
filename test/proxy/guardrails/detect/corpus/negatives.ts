import { makeWrongCard, makeWrongIban } from './numbers.ts';
import type { Random } from './random.ts';

const hex = '0123456789abcdef';
const alphanumeric = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';

const uuid = (random: Random) => [8, 4, 4, 4, 12].map((length) => random.characters(hex, length)).join('-');
const day = (random: Random) => String(random.integer(1, 28)).padStart(2, '0');
const month = (random: Random) => String(random.integer(1, 12)).padStart(2, '0');

/** What looks like personal data or a secret, and is none. */
export const negatives: Readonly<Record<string, (random: Random) => string>> = {
  uuid,
  order: (random) =>
    random.pick([
      random.digits(10),
      `ORD-${random.digits(8)}`,
      `${random.digits(3)}-${random.digits(7)}-${random.digits(7)}`,
    ]),
  longNumber: (random) => `9${random.digits(15)}`,
  wrongCard: makeWrongCard,
  wrongIban: makeWrongIban,
  sha: (random) => random.characters(hex, random.pick([7, 40, 64])),
  version: (random) =>
    random.pick([
      `v${random.integer(1, 20)}.${random.integer(0, 20)}.${random.integer(0, 99)}`,
      `${random.integer(1, 9)}.${random.integer(0, 9)}.${random.integer(0, 9)}`,
    ]),
  fourPartVersion: (random) => [1, 2, 3, 4].map(() => random.integer(0, 120)).join('.'),
  time: (random) => `${random.integer(10, 23)}:${random.integer(10, 59)}:${random.integer(10, 59)}`,
  epoch: (random) => String(random.integer(1_600_000_000, 1_900_000_000)),
  epochMs: (random) => String(random.integer(1_600_000_000_000, 1_900_000_000_000)),
  isoDate: (random) => `20${random.integer(10, 30)}-${month(random)}-${day(random)}`,
  isoTime: (random) =>
    `20${random.integer(10, 30)}-${month(random)}-${day(random)}T1${random.integer(0, 9)}:30:00.${random.digits(3)}Z`,
  euDate: (random) => `${day(random)}.${month(random)}.20${random.integer(10, 30)}`,
  amount: (random) => `${random.integer(1, 999)},${random.digits(3)}.${random.digits(2)}`,
  decimal: (random) => `0.${random.digits(16)}`,
  mac: (random) => Array.from({ length: 6 }, () => random.characters(hex, 2)).join(':'),
  isbn: (random) => `978-3-16-${random.digits(6)}-${random.digits(1)}`,
  tracking: (random) => `1Z${random.characters('ABCDEFGHJKLMNPQRSTUVWXYZ0123456789', 16)}`,
  sku: (random) => `${random.characters('ABCDEFGH', 3)}-${random.digits(4)}-${random.characters('XYZ', 2)}`,
  npmPackage: (random) => `@types/node@${random.integer(18, 26)}.${random.integer(0, 9)}.${random.integer(0, 9)}`,
  imageFile: (random) => `icon-${random.integer(16, 512)}@2x.png`,
  handle: (random) => `@${random.pick(['ada', 'acme_dev', 'k8s', 'next'])}`,
  base64: (random) => random.characters(`${alphanumeric}+/`, 64),
  cssHash: (random) => `sk-${random.pick(['button', 'spinner', 'fading-circle', 'toggle__control'])}`,
  path: (random) => `/usr/lib/${random.characters(hex, 6)}/v${random.integer(1, 9)}/index.js`,
  coordinates: (random) =>
    `${random.integer(10, 80)}.${random.digits(6)}, ${random.integer(10, 80)}.${random.digits(6)}`,
  cpp: (random) => random.pick(['std::vector', 'Foo::bar', 'add::cafe', 'fade::dead::new']),
  phoneLike: (random) =>
    random.pick([
      `${random.integer(2, 9)}x${random.integer(10, 99)}`,
      `${random.digits(2)}-${random.digits(2)}`,
      `§ ${random.integer(1, 99)} Abs. 2`,
    ]),
  section: (random) =>
    `section ${random.integer(1, 20)}.${random.integer(1, 9)}.${random.integer(1, 9)}.${random.integer(1, 9)}`,
  placeholder: (random) => random.pick(['<API_KEY>', '$DB_PASSWORD', 'sk-...', 'your-api-key-here', 'xxxxxxxx']),
};
