import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from 'libphonenumber-js/min';
import { continuesToken, digits, isDigit, isWordUnit } from '../characters.ts';
import { DetectorConfigError } from '../config-error.ts';
import { nothing, type Recognizer, undecided } from '../recognizer.ts';

const mostDigits = 15;
const fewestDigits = 7;
/** Without a word such as "phone", since shorter ones are postal codes, too. */
const fewestNational = 9;
/** Digits with up to two characters between. */
const longest = 40;
const contextLength = 32;
const plus = 43;
const openingBracket = 40;
const context =
  /(?:phone|\btel|\bcall|mobile|\bcell|\bfax|whatsapp|\bsms|\btext me|\bring\b|reach me|contact|telefon|handy|\bmobil|anruf|téléphone|portable|teléfono|móvil|llám|telefone|celular|telefono|cellulare|telefoon|mobiel|komórk|zadzwoń|電話|电话|手机|전화|फ़ोन)[^0-9\n]{0,20}$/i;
const dateOrTime = /^(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{2,4}|\d{1,3}(?:\.\d{1,3}){3})(?!\d)/;
const northAmerican = /^(?:1[-. ])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[-. ])[2-9]\d\d[-. ]\d{4}$/;

/** The regions whose national numbers are recognized if a rule names none. */
export const defaultRegions = ['US', 'GB', 'DE', 'FR', 'ES', 'IT', 'NL', 'PL', 'SE', 'BR', 'IN'] as const;

/**
 * A telephone number: a cheap scan for something that looks like one, then libphonenumber's rules. International numbers
 * begin with `+` or `00`. National ones need their separators and a leading 0 or the North American form, or a word such
 * as "phone" before.
 */
export function makePhoneRecognizer(regions: readonly string[] = defaultRegions): Recognizer {
  for (const [index, region] of regions.entries()) {
    if (!isSupportedCountry(region))
      throw new DetectorConfigError(`phoneRegions[${index}]`, 'must be an ISO 3166-1 code, like US');
  }
  const countries = regions.filter((region): region is CountryCode => isSupportedCountry(region));
  return {
    kind: 'phone',
    firstCharacters: `+(${digits}`,
    lookBehind: contextLength,
    maxHeldBack: longest + 3,
    matchAt: (text, start, complete) => {
      if (continuesToken(text, start)) return nothing;
      const before = text.charCodeAt(start - 1);
      // The beginning of the same number was tried before.
      if (before === openingBracket || before === plus) return nothing;
      if (isSeparator(before) && isDigit(text.charCodeAt(start - 2)) && isDigit(text.charCodeAt(start))) return nothing;
      const end = endOfRun(text, start);
      if (end >= text.length && !complete && end - start < longest) return undecided;
      return endOfNumber(text, start, end, countries);
    },
  };
}

/** Where the digits and separators from here end, or the most that a number can have. */
function endOfRun(text: string, start: number): number {
  const limit = Math.min(text.length, start + longest);
  let separators = 0;
  let position = start;
  if (text.charCodeAt(position) === plus) position += 1;
  for (; position < limit; position++) {
    const unit = text.charCodeAt(position);
    if (isDigit(unit)) separators = 0;
    else if (isSeparator(unit) && separators < 2) separators += 1;
    else break;
  }
  return position;
}

/** Space, `(`, `)`, `-`, `.`, `/`, and spaces that do not break. */
function isSeparator(unit: number): boolean {
  return unit === 32 || unit === 40 || unit === 41 || (unit >= 45 && unit <= 47) || unit === 0xa0 || unit === 0x202f;
}

/** Tries the whole run, then what is left of it without the groups after its last spaces. */
function endOfNumber(text: string, start: number, runEnd: number, regions: readonly CountryCode[]): number {
  const trailing = /[^0-9]*$/;
  let candidate = text.slice(start, runEnd);
  candidate = candidate.slice(0, candidate.search(trailing));
  if (isWordUnit(text.charCodeAt(start + candidate.length))) candidate = withoutLastGroup(candidate);
  const isInternational = candidate.startsWith('+');
  if (!isInternational && /^-[A-Za-z]/.test(text.slice(start + candidate.length))) return nothing;
  let hasContext: boolean | undefined;
  for (let tries = 0; tries < 4 && candidate !== ''; tries++) {
    const dialled = digitsOf(candidate);
    if (dialled.length < fewestDigits) return nothing;
    if (dialled.length <= mostDigits && !dateOrTime.test(candidate)) {
      hasContext ??= context.test(text.slice(Math.max(0, start - contextLength), start));
      if (isPhoneNumber(candidate, dialled, hasContext, regions)) return start + candidate.length;
    }
    candidate = withoutLastGroup(candidate);
  }
  return nothing;
}

function digitsOf(candidate: string): string {
  let dialled = '';
  for (let position = 0; position < candidate.length; position++)
    if (isDigit(candidate.charCodeAt(position))) dialled += candidate[position];
  return dialled;
}

function withoutLastGroup(candidate: string): string {
  const space = Math.max(candidate.lastIndexOf(' '), candidate.lastIndexOf('\u00a0'));
  return space < 0 ? '' : candidate.slice(0, space).replace(/[^0-9]+$/, '');
}

/** @param dialled the digits of the candidate, which are all that libphonenumber needs */
function isPhoneNumber(
  candidate: string,
  dialled: string,
  hasContext: boolean,
  regions: readonly CountryCode[],
): boolean {
  // Its country code and its length suffice: numbering plans grow.
  if (candidate.startsWith('+')) return parse(`+${dialled}`)?.isPossible() ?? false;
  if (/^00[1-9]/.test(candidate) && isValid(`+${dialled.slice(2)}`)) return true;
  const mayBeNational =
    hasContext || northAmerican.test(candidate) || (dialled.length >= fewestNational && looksNational(candidate));
  return mayBeNational && regions.some((region) => isValid(dialled, region));
}

/** A leading 0, perhaps in brackets, and at least one separator after at least two digits. */
function looksNational(candidate: string): boolean {
  return /^\(?0\d/.test(candidate) && /\d\d\)?[-. /]\(?\d/.test(candidate);
}

function isValid(dialled: string, region?: CountryCode): boolean {
  return parse(dialled, region)?.isValid() ?? false;
}

/** All of the text is the number, so none is sought in it, which takes longer than the rest. */
function parse(dialled: string, defaultCountry?: CountryCode) {
  return parsePhoneNumberFromString(dialled, { extract: false, ...(defaultCountry && { defaultCountry }) });
}
