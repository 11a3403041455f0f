import { digits, isDigit, isLetter, letters } from '../../characters.ts';
import { anyDigit } from '../../mark.ts';
import { nothing, type Recognizer, undecided } from '../../recognizer.ts';
import { elsewhere } from './elsewhere.ts';
import { european } from './europe.ts';
import { toRecognizer } from './national-id.ts';
import { isSeparator } from './template.ts';

const all = [...european, ...elsewhere];

/** All of those that begin with a letter have a digit among their first nine characters, which tells them from words. */
const firstDigitWithin = 9;
/** Those that begin with a digit have at least six digits among their first eleven characters, unlike most numbers. */
const digitsWithin = 11;
const fewestDigits = 6;

export const nationalIds: readonly Recognizer[] = [
  group(digits, all.filter(({ template }) => !template.startsWith('A')).map(toRecognizer), hasDigits),
  group(letters, all.filter(({ template }) => template.startsWith('A')).map(toRecognizer), hasEarlyDigit),
];

/** One recognizer for many, which are asked only where one of them may recognize something. */
function group(
  firstCharacters: string,
  recognizers: readonly Recognizer[],
  mayBeOne: (text: string, start: number, complete: boolean) => boolean,
): Recognizer {
  return {
    kind: 'nationalId',
    firstCharacters,
    needs: { mark: anyDigit, within: firstDigitWithin - 1 },
    lookBehind: Math.max(...recognizers.map(({ lookBehind }) => lookBehind)),
    maxHeldBack: Math.max(...recognizers.map(({ maxHeldBack }) => maxHeldBack)),
    matchAt: (text, start, complete) => {
      if (!mayBeOne(text, start, complete)) return nothing;
      for (const recognizer of recognizers) {
        const end = recognizer.matchAt(text, start, complete);
        if (end > 0 || end === undecided) return end;
      }
      return nothing;
    },
  };
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
