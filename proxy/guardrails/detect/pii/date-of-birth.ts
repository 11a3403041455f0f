import { continuesToken, digits, letters } from '../characters.ts';
import { anyDigit } from '../mark.ts';
import { nothing, type Recognizer, undecided } from '../recognizer.ts';
import { isDay } from './check-digits.ts';

const contextLength = 48;
/** `the 31st of September, 1980` with room for long names of months. */
const longest = 32;

/** A word for birth in several languages, and no digit between it and the date. */
const birthContext =
  /(?:\bborn\b|birth|\bd\.?o\.?b\b|geboren|\bgeb\.|geburt|\bnée?\b|\bné\b|naissance|nacid[oa]\b|nacimiento|\bnat[oa]\b|nascita|geboorte|urodz|\bur\.|född|födelse|nascid[oa]\b|nascimento|doğum|рожден|родил|出生|生年月日|생년월일|जन्म)[^0-9]{0,28}$/i;

/** Months by the first letters of their names in English, German, French, Spanish, Italian, Dutch, Portuguese, Polish and Swedish. */
const months: readonly (readonly [RegExp, number])[] = [
  [/^(?:jan|ene|gen|stycz|jän)/i, 1],
  [/^(?:feb|fév|fev|lut)/i, 2],
  [/^(?:mar|mär|maa|mrt)/i, 3],
  [/^(?:apr|avr|abr|kwie)/i, 4],
  [/^(?:may|mai|mag|mei|maj)/i, 5],
  [/^(?:jun|juin|giu|czerw)/i, 6],
  [/^(?:jul|juil|lug|lip)/i, 7],
  [/^(?:aug|août|aou|ago|sierp)/i, 8],
  [/^(?:sep|set|wrz)/i, 9],
  [/^(?:oct|okt|out|ott|paź)/i, 10],
  [/^(?:nov|lis)/i, 11],
  [/^(?:dec|dez|déc|dic|gru)/i, 12],
];

const numeric = /^(?<first>\d{1,4})(?<by>[-./ ])(?<second>\d{1,2})\k<by>(?<third>\d{4}|\d{2})(?![\dA-Za-z])/;
const eastern = /^(?<year>\d{4}) ?[年년] ?(?<month>\d{1,2}) ?[月월] ?(?<day>\d{1,2}) ?[日일]/;
const dayFirst =
  /^(?<day>\d{1,2})(?:st|nd|rd|th|er|[.º])? ?(?:of |de |d')?(?<month>\p{L}{3,12})\.?,? (?:de |of )?(?<year>\d{4})(?![\dA-Za-z])/u;
const monthFirst = /^(?<month>\p{L}{3,12})\.? (?<day>\d{1,2})(?:st|nd|rd|th)?,? (?<year>\d{4})(?![\dA-Za-z])/u;
const patterns = [numeric, eastern, dayFirst, monthFirst];

/** What any of the patterns may still become. */
const unfinished = /^[\d\p{L}\-./ ,'º年月日년월일]*$/u;

/** `September. 3` */
const longestMonth = 14;

/** A date after a word such as "born". A date without one is not a date of birth. */
export const dateOfBirth: Recognizer = {
  kind: 'dateOfBirth',
  firstCharacters: `${digits}${letters}`,
  needs: { mark: anyDigit, within: longestMonth },
  lookBehind: contextLength,
  maxHeldBack: longest + 1,
  matchAt: (text, start, complete) => {
    const unit = text.charCodeAt(start);
    const isWord = unit > 57;
    if (isWord && start + 3 > text.length) return complete ? nothing : undecided;
    if (isWord && !monthBeginnings.has(beginningAt(text, start))) return nothing;
    if (continuesToken(text, start)) return nothing;
    if (!birthContext.test(text.slice(Math.max(0, start - contextLength), start))) return nothing;
    const slice = text.slice(start, start + longest);
    if (slice.length < longest && !complete && unfinished.test(slice)) return undecided;
    for (const pattern of patterns) {
      const found = pattern.exec(slice);
      if (found?.groups !== undefined && isPlausible(found.groups)) return start + found[0].length;
    }
    return nothing;
  },
};

/** The first three letters of all names of months, since most words are not one. */
const monthBeginnings = new Set(
  'jan ene gen sty jän feb fév fev lut mar mär maa mrt apr avr abr kwi may mai mag mei maj jun jui giu cze jul lug lip aug aoû aou ago sie sep set wrz oct okt out ott paź nov lis dec dez déc dic gru'
    .split(' ')
    .map((beginning) => beginningAt(beginning, 0)),
);

/** Three letters as one number, whatever their case. */
function beginningAt(text: string, start: number): number {
  const first = text.charCodeAt(start) | 32;
  const second = text.charCodeAt(start + 1) | 32;
  return (first << 18) | (second << 9) | (text.charCodeAt(start + 2) | 32);
}

function isPlausible(groups: Readonly<Record<string, string | undefined>>): boolean {
  const { year, month, day, first, second, third } = groups;
  if (year !== undefined) return isBirthday(Number(year), toMonth(month ?? ''), Number(day));
  const [a, b, c] = [Number(first), Number(second), Number(third)];
  if ((first ?? '').length === 4) return isBirthday(a, b, c);
  if ((first ?? '').length > 2) return false;
  const inFull = (third ?? '').length === 4 ? c : c + 1900;
  return isBirthday(inFull, b, a) || isBirthday(inFull, a, b);
}

function toMonth(month: string): number {
  if (/^\d/.test(month)) return Number(month);
  return months.find(([pattern]) => pattern.test(month))?.[1] ?? 0;
}

function isBirthday(year: number, month: number, day: number): boolean {
  return year >= 1880 && year <= 2100 && isDay(year, month, day);
}
