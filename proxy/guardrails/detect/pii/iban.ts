import { continuesToken, isDigit, isLetter, isTokenEnd, letters, tokenEndLookAhead } from '../characters.ts';
import { anyDigit } from '../mark.ts';
import { nothing, type Recognizer, undecided } from '../recognizer.ts';
import { remainder } from './check-digits.ts';

/** The lengths in SWIFT's IBAN registry, and those of countries that use IBANs without being in it. */
const lengths: ReadonlyMap<string, number> = new Map(
  Object.entries({
    15: 'NO',
    16: 'BE',
    18: 'DK FI FO GL NL SD FK',
    19: 'MK SI',
    20: 'AT BA EE KZ LT LU XK MN',
    21: 'CH HR LI LV',
    22: 'BG BH CR DE GB GE IE ME RS VA',
    23: 'AE GI IL IQ TL OM SO',
    24: 'AD CZ ES MD PK RO SA SE SK TN VG',
    25: 'AO CV GW LY MZ PT ST',
    26: 'DZ IR IS TR',
    27: 'BI CF CG CM DJ FR GA GQ KM MG TD GR IT MC MR SM',
    28: 'AL AZ BF BJ BY CI CY DO GT HN HU LB MA ML NE NI PL SN SV TG',
    29: 'BR EG PS QA UA',
    30: 'JO KW MU YE',
    31: 'MT SC',
    32: 'LC',
    33: 'RU',
  }).flatMap(([length, countries]) => countries.split(' ').map((country) => [country, Number(length)] as const)),
);
const longest = 33;

/** An international bank account number (ISO 13616): the country's length, groups of four or none, and mod 97. */
export const iban: Recognizer = {
  kind: 'iban',
  firstCharacters: letters,
  needs: { mark: anyDigit, within: 2 },
  lookBehind: 2,
  maxHeldBack: longest + Math.ceil(longest / 4) + tokenEndLookAhead,
  matchAt: (text, start, complete) => {
    const undecidedAt = complete ? nothing : undecided;
    if (start + 1 >= text.length) return undecidedAt;
    if (!isLetter(text.charCodeAt(start + 1))) return nothing;
    if (start + 2 < text.length && !isDigit(text.charCodeAt(start + 2))) return nothing;
    const length = lengths.get(text.slice(start, start + 2).toUpperCase());
    if (length === undefined || continuesToken(text, start)) return nothing;
    return endOfIban(text, start, length, complete);
  },
};

function endOfIban(text: string, start: number, length: number, complete: boolean): number {
  let compact = '';
  for (let position = start; ; position++) {
    if (position >= text.length) return complete ? nothing : undecided;
    const unit = text.charCodeAt(position);
    if (isDigit(unit) || isLetter(unit)) compact += text[position];
    else if (compact.length % 4 !== 0 || !isSeparator(unit) || isSeparator(text.charCodeAt(position - 1)))
      return nothing;
    if (compact.length === 4 && !isDigit(compact.charCodeAt(3))) return nothing;
    if (compact.length < length) continue;
    const isEnd = isTokenEnd(text, position + 1, complete);
    if (isEnd === undefined) return undecided;
    return isEnd && passesMod97(compact.toUpperCase()) ? position + 1 : nothing;
  }
}

function isSeparator(unit: number): boolean {
  return unit === 32 || unit === 45 || unit === 0xa0 || unit === 0x202f;
}

/** ISO 7064 MOD 97-10: the first four characters moved to the end, and letters written as 10 to 35. */
function passesMod97(compact: string): boolean {
  const moved = compact.slice(4) + compact.slice(0, 4);
  return (
    remainder(
      moved.replace(/[A-Z]/g, (letter) => String(letter.charCodeAt(0) - 55)),
      97,
    ) === 1
  );
}
