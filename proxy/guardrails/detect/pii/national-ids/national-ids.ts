import { digits, isDigit, isLetter, letters } from '../../characters.ts';
import { anyDigit } from '../../mark.ts';
import { nothing, type Recognizer, undecided } from '../../recognizer.ts';
import { elsewhere } from './elsewhere.ts';
import { european } from './europe.ts';
import { toRecognizer } from './national-id.ts';
import { isSeparator, leadingDigits, parseTemplate } from './template.ts';

const all = [...european, ...elsewhere];

const none: readonly Recognizer[] = [];

/** All of those that begin with a letter have a digit among their first nine characters, which tells them from words. */
const firstDigitWithin = 9;
/** Those that begin with a digit have at least six digits among their first eleven characters, unlike most numbers. */
const digitsWithin = 11;
const fewestDigits = 6;

const beginningWithDigit = all.filter(({ template }) => !template.startsWith('A'));
const beginningWithLetter = all.filter(({ template }) => template.startsWith('A'));
/** Of so many digits in a row, up to all that any has. */
const mostDigits = Math.max(...beginningWithDigit.map(({ template }) => template.length));
const byLeadingDigits = Array.from({ length: mostDigits + 1 }, (_, count) =>
  beginningWithDigit.filter(({ template }) => leadingDigits(parseTemplate(template)).has(count)).map(toRecognizer),
);

export const nationalIds: readonly Recognizer[] = [
  group(digits, beginningWithDigit.map(toRecognizer), (text, start, complete) => {
    if (!hasDigits(text, start, complete)) return none;
    const count = countLeadingDigits(text, start);
    // More digits may come.
    return start + count === text.length && !complete ? undefined : (byLeadingDigits[count] ?? none);
  }),
  group(letters, beginningWithLetter.map(toRecognizer), (text, start, complete) =>
    hasEarlyDigit(text, start, complete) ? undefined : none,
  ),
];

/**
 * One recognizer for many.
 *
 * @param candidatesAt those that may recognize something here; undefined: all
 */
function group(
  firstCharacters: string,
  recognizers: readonly Recognizer[],
  candidatesAt: (text: string, start: number, complete: boolean) => readonly Recognizer[] | undefined,
): Recognizer {
  return {
    kind: 'nationalId',
    firstCharacters,
    needs: { mark: anyDigit, within: firstDigitWithin - 1 },
    lookBehind: Math.max(...recognizers.map(({ lookBehind }) => lookBehind)),
    maxHeldBack: Math.max(...recognizers.map(({ maxHeldBack }) => maxHeldBack)),
    matchAt: (text, start, complete) => {
      for (const recognizer of candidatesAt(text, start, complete) ?? recognizers) {
        const end = recognizer.matchAt(text, start, complete);
        if (end > 0 || end === undecided) return end;
      }
      return nothing;
    },
  };
}

function countLeadingDigits(text: string, start: number): number {
  let position = start;
  while (position < text.length && isDigit(text.charCodeAt(position))) position++;
  return position - start;
}

function hasEarlyDigit(text: string, start: number, complete: boolean): boolean {
  const end = start + firstDigitWithin;
  if (end > text.length && !complete) return true;
  for (let position = start + 1; position < end; position++) if (isDigit(text.charCodeAt(position))) return true;
  return false;
}

function hasDigits(text: string, start: number, complete: boolean): boolean {
  let count = 0;
  for (let position = start; position < start + digitsWithin; position++) {
    if (position >= text.length) return !complete || count >= fewestDigits;
    const unit = text.charCodeAt(position);
    if (isDigit(unit)) count += 1;
    else if (!isLetter(unit) && !isSeparator(unit)) break;
  }
  return count >= fewestDigits;
}
