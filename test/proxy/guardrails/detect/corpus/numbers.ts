import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import type { Random } from './random.ts';

/** Luhn's check digit of a number without it, computed as ISO/IEC 7812 describes it, apart from the code under test. */
function luhnDigit(payload: string): number {
  const sum = Array.from(payload)
    .reverse()
    .map(Number)
    .reduce((total, digit, index) => {
      const times = index % 2 === 0 ? 2 * digit : digit;
      return total + Math.floor(times / 10) + (times % 10);
    }, 0);
  return (10 - (sum % 10)) % 10;
}

const issuers: readonly (readonly [prefix: string, length: number])[] = [
  ['4', 16],
  ['4', 13],
  ['51', 16],
  ['55', 16],
  ['2223', 16],
  ['2720', 16],
  ['34', 15],
  ['37', 15],
  ['6011', 16],
  ['65', 16],
  ['36', 14],
  ['3530', 16],
  ['62', 16],
  ['6759', 16],
];

export function makeCard(random: Random): string {
  const [prefix, length] = random.pick(issuers);
  const payload = prefix + random.digits(length - prefix.length - 1);
  const number = `${payload}${luhnDigit(payload)}`;
  const separator = random.pick(['', '', ' ', '-']);
  if (length === 15) return [number.slice(0, 4), number.slice(4, 10), number.slice(10)].join(separator);
  if (length === 14) return [number.slice(0, 4), number.slice(4, 10), number.slice(10)].join(separator);
  if (length === 13) return number;
  return (number.match(/.{4}/g) ?? []).join(separator);
}

/** A number of a card's length whose check digit is wrong. */
export function makeWrongCard(random: Random): string {
  const payload = `4${random.digits(14)}`;
  return `${payload}${(luhnDigit(payload) + random.integer(1, 9)) % 10}`;
}

/** Countries and the form of their accounts: `n` a digit, `a` a letter, `c` either. */
const accounts: readonly (readonly [country: string, form: string])[] = [
  ['DE', 'n'.repeat(18)],
  ['GB', `aaaa${'n'.repeat(14)}`],
  ['FR', `${'n'.repeat(10)}${'c'.repeat(11)}nn`],
  ['ES', 'n'.repeat(20)],
  ['IT', `a${'n'.repeat(10)}${'c'.repeat(12)}`],
  ['NL', `aaaa${'n'.repeat(10)}`],
  ['PL', 'n'.repeat(24)],
  ['SE', 'n'.repeat(20)],
  ['BE', 'n'.repeat(12)],
  ['CH', `${'n'.repeat(5)}${'c'.repeat(12)}`],
  ['AT', 'n'.repeat(16)],
  ['NO', 'n'.repeat(11)],
  ['PT', 'n'.repeat(21)],
  ['SA', `nn${'c'.repeat(18)}`],
  ['BR', `${'n'.repeat(23)}ac`],
  ['MT', `aaaa${'n'.repeat(5)}${'c'.repeat(18)}`],
];
const upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

export function makeIban(random: Random): string {
  const [country, form] = random.pick(accounts);
  const account = Array.from(form, (kind) => random.characters(kind === 'n' ? '0123456789' : upper, 1)).join('');
  const number = Array.from(`${account}${country}00`, (each) => Number.parseInt(each, 36)).join('');
  const check = String(98n - (BigInt(number) % 97n)).padStart(2, '0');
  const compact = `${country}${check}${account}`;
  const style = random.integer(0, 3);
  if (style === 0) return compact;
  if (style === 1) return compact.toLowerCase();
  return (compact.match(/.{1,4}/g) ?? []).join(' ');
}

/** The same with two digits exchanged, as people mistype it. */
export function makeWrongIban(random: Random): string {
  const compact = `DE${random.digits(20)}`;
  const number = Array.from(`${compact.slice(4)}${compact.slice(0, 4)}`, (each) => Number.parseInt(each, 36)).join('');
  return BigInt(number) % 97n === 1n ? `${compact.slice(0, -1)}${(Number(compact.at(-1)) + 1) % 10}` : compact;
}

export function makeIp(random: Random): string {
  const octet = () => random.integer(0, 255);
  const group = () => random.integer(0, 0xffff).toString(16);
  return random.pick([
    () => `10.${octet()}.${octet()}.${octet()}`,
    () => `192.168.${octet()}.${random.integer(1, 254)}`,
    () => `${random.integer(11, 223)}.${octet()}.${octet()}.${octet()}`,
    () => `172.16.${octet()}.0/${random.integer(16, 30)}`,
    () => Array.from({ length: 8 }, () => group().padStart(3, '1')).join(':'),
    () => `2001:db8::${group()}:${group()}`,
    () => `fe80::${group()}:${group()}:${group()}:${group()}`,
    () => `2a02:${group()}:${group()}::${random.integer(1, 9)}`,
  ])();
}

const numberingPlans: readonly (readonly [
  region: 'US' | 'GB' | 'DE' | 'FR' | 'ES' | 'IT' | 'NL' | 'PL' | 'SE' | 'BR' | 'IN',
  code: string,
  starts: readonly string[],
  length: number,
])[] = [
  ['US', '1', ['212555', '415555', '303444', '617867'], 10],
  ['GB', '44', ['2079460', '7700900', '1614960'], 10],
  ['DE', '49', ['30901', '1512345', '8912345'], 10],
  ['FR', '33', ['1990', '6123', '4265'], 9],
  ['ES', '34', ['612345', '912345'], 9],
  ['IT', '39', ['312345', '02123456'], 10],
  ['NL', '31', ['612345', '201234'], 9],
  ['PL', '48', ['512345', '221234'], 9],
  ['SE', '46', ['701234', '812345'], 9],
  ['BR', '55', ['11961234', '21987654'], 11],
  ['IN', '91', ['81234', '98765'], 10],
];

export function makePhone(random: Random): string {
  for (;;) {
    const [region, code, starts, length] = random.pick(numberingPlans);
    const start = random.pick(starts);
    const number = parsePhoneNumberFromString(`+${code}${start}${random.digits(length - start.length)}`);
    if (number === undefined || !number.isValid()) continue;
    const national = number.formatNational();
    // Numbers that are written without a leading 0 are recognized in their international form only.
    const styles = [number.formatInternational(), number.format('E.164')];
    if (region === 'US' || national.startsWith('0')) styles.push(national);
    return random.pick(styles);
  }
}
