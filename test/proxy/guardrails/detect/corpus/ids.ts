import { elsewhere } from '../../../../../proxy/guardrails/detect/pii/national-ids/elsewhere.ts';
import { european } from '../../../../../proxy/guardrails/detect/pii/national-ids/europe.ts';
import type { Random } from './random.ts';

const upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

/** How numbers really begin, for those whose form alone would take too long to guess. */
const beginnings: Readonly<Record<string, (random: Random) => string>> = {
  'IT Codice fiscale': (random) =>
    `${random.characters('BCDFGLMNPRST', 6)}${random.digits(2)}A${random.integer(1, 2)}1H`,
  'MX CURP': (random) =>
    `${random.characters('BCDFGL', 4)}8${random.integer(0, 9)}0${random.integer(1, 9)}1${random.integer(0, 9)}HDF`,
  'CN 居民身份证': (random) => `11010519${random.integer(60, 99)}0${random.integer(1, 9)}1${random.integer(0, 9)}`,
  'ES NIE': (random) => random.pick(['X', 'Y', 'Z']),
  'CH AHV-Nummer': () => '756',
  'KR 주민등록번호': (random) => `${random.integer(60, 99)}0${random.integer(1, 9)}1${random.integer(0, 9)}`,
  'FI Henkilötunnus of this century': (random) =>
    `1${random.integer(0, 9)}0${random.integer(1, 9)}${random.digits(2)}A`,
};

export interface Id {
  readonly value: string;
  /** What somebody would call it. */
  readonly title: string;
}

const ids = [...european, ...elsewhere].filter(({ name }) => !name.startsWith('South African'));

/**
 * Guesses until the check of the code under test passes. So a corpus measures forms, words around and confusions;
 * that the checks themselves are right is tested with published examples.
 */
export function makeId(random: Random): Id {
  const { country, name, template, check, withoutContext } = random.pick(ids);
  const beginning = beginnings[`${country} ${name}`];
  for (;;) {
    const known = beginning?.(random) ?? '';
    const content = Array.from(template.replaceAll(/[^dAX]/g, '').slice(known.length), (kind) =>
      kind === 'd' || kind === 'X' ? random.digits(1) : random.characters(upper, 1),
    );
    const compact = `${known}${content.join('')}`;
    const last =
      template.endsWith('X') || template.endsWith('A') ? Array.from(`0123456789${upper}`) : [compact.slice(-1)];
    const found = last.map((character) => compact.slice(0, -1) + character).find((each) => check(each));
    if (found === undefined) continue;
    const isGrouped = withoutContext === 'Grouped' || random.integer(0, 1) === 0;
    return { value: write(template, found, isGrouped), title: titles[`${country} ${name}`] ?? name };
  }
}

const titles: Readonly<Record<string, string>> = {
  'DE Steuerliche Identifikationsnummer': 'Steuer-ID',
  'NL Burgerservicenummer': 'BSN',
  'PL PESEL': 'PESEL',
  'DK CPR-nummer': 'CPR',
  'PT NIF': 'NIF',
  'US Social Security number': 'SSN',
  'US Social Security number without hyphens': 'SSN',
  'CA Social Insurance Number': 'SIN',
  'JP マイナンバー': 'マイナンバー',
  'TR T.C. kimlik numarası': 'TC kimlik no',
  'AU Tax file number': 'TFN',
};

function write(template: string, compact: string, isGrouped: boolean): string {
  const characters = Array.from(compact);
  const separator = /sdddsdddsdd$/.test(template) ? '.' : ' ';
  return Array.from(template, (kind) => {
    if (kind === 's') return isGrouped ? separator : '';
    if (kind === 'S') return '-';
    return 'dAX'.includes(kind) ? (characters.shift() ?? '') : kind;
  }).join('');
}
