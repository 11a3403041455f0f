import { continuesToken, isDigit, isTokenEnd, tokenEndLookAhead } from '../characters.ts';
import { nothing, type Recognizer, undecided } from '../recognizer.ts';
import { passesLuhn } from './check-digits.ts';

const most = 19;

interface Brand {
  readonly prefix: RegExp;
  readonly lengths: readonly number[];
}

/** The issuer ranges that schemes publish. A number outside of them is no card, even if its check digit fits. */
const brands: readonly Brand[] = [
  // Visa
  { prefix: /^4/, lengths: [13, 16, 19] },
  // Mastercard
  { prefix: /^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, lengths: [16] },
  // American Express
  { prefix: /^3[47]/, lengths: [15] },
  // Discover
  { prefix: /^(?:6011|64[4-9]|65)/, lengths: [16, 19] },
  // Diners Club
  { prefix: /^(?:30[0-5]|3095|36|38|39)/, lengths: [14, 16] },
  // JCB
  { prefix: /^35(?:2[89]|[3-8])/, lengths: [16] },
  // UnionPay
  { prefix: /^62/, lengths: [16, 17, 18, 19] },
  // Maestro
  { prefix: /^(?:50(?:18|20|38)|5893|6304|6759|676[1-3])/, lengths: [12, 13, 14, 15, 16, 18, 19] },
  // Mir, RuPay, Elo
  { prefix: /^(?:220[0-4]|60|81|82|508|4011|6362)/, lengths: [16] },
];

/** How the digits of cards are grouped: not at all, by four, and as on cards with 14 and 15 digits. */
const groupings = /^(?:\d+|4 4 4 4|4 4 4 4 3|4 6 5|4 6 4|4 4 5|4 4 4)$/;

/** Digits with single separators between groups. */
interface Run {
  readonly digits: string;
  /** The position after each digit. */
  readonly ends: readonly number[];
  /** The separator after each digit, or ''. */
  readonly separators: readonly string[];
}

/** The number of a payment card: a known issuer range with one of its lengths, grouped as on cards, and Luhn's check. */
export const card: Recognizer = {
  kind: 'card',
  firstCharacters: '234568',
  lookBehind: 2,
  maxHeldBack: 2 * (most + 1) + tokenEndLookAhead,
  matchAt: (text, start, complete) => {
    if (continuesToken(text, start)) return nothing;
    const run = readRun(text, start, complete);
    if (run === undefined) return undecided;
    for (let length = Math.min(run.digits.length, most); length >= 12; length--) {
      const end = run.ends[length - 1] ?? nothing;
      const separator = run.separators[length - 1] ?? '';
      const isLast = length === run.digits.length;
      if (isLast ? !isTokenEnd(text, end, true) : separator !== ' ') continue;
      if (isCard(run, length)) return end;
    }
    return nothing;
  },
};

function isCard({ digits: all, separators }: Run, length: number): boolean {
  const number = all.slice(0, length);
  if (!brands.some(({ prefix, lengths }) => lengths.includes(length) && prefix.test(number))) return false;
  if (!passesLuhn(number)) return false;
  const within = separators.slice(0, length - 1);
  if (new Set(within.filter((separator) => separator !== '')).size > 1) return false;
  return groupings.test(toGroups(within));
}

/** The lengths of the groups: `4 4 4 4`. */
function toGroups(separators: readonly string[]): string {
  const groups: number[] = [1];
  for (const separator of separators) {
    if (separator === '') groups[groups.length - 1] = (groups.at(-1) ?? 0) + 1;
    else groups.push(1);
  }
  return groups.join(' ');
}

/** @returns undefined if the run may go on in text to come */
function readRun(text: string, start: number, complete: boolean): Run | undefined {
  const found = { digits: '', ends: [] as number[], separators: [] as string[] };
  for (let position = start; ; ) {
    if (position >= text.length) return complete ? found : undefined;
    if (!isDigit(text.charCodeAt(position))) return found;
    found.digits += text[position];
    position += 1;
    found.ends.push(position);
    found.separators.push('');
    if (found.digits.length > most) return found;
    if (position >= text.length) return complete ? found : undefined;
    const separator = toSeparator(text.charCodeAt(position));
    if (separator === '') continue;
    if (position + 1 >= text.length) return complete ? found : undefined;
    if (!isDigit(text.charCodeAt(position + 1))) return found;
    found.separators[found.separators.length - 1] = separator;
    position += 1;
  }
}

function toSeparator(unit: number): string {
  if (unit === 32 || unit === 0xa0 || unit === 0x202f) return ' ';
  return unit === 45 ? '-' : unit === 46 ? '.' : '';
}
