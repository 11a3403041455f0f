import { isDigit, letters } from '../../characters.ts';
import { nothing, type Recognizer, undecided } from '../../recognizer.ts';
import { elsewhere } from './elsewhere.ts';
import { european } from './europe.ts';
import { toRecognizer } from './national-id.ts';

const all = [...european, ...elsewhere];
const withLetterFirst = all.filter(({ template }) => template.startsWith('A')).map(toRecognizer);
/** All of them have a digit among their first nine characters, which tells them from words. */
const firstDigitWithin = 9;

export const nationalIds: readonly Recognizer[] = [
  ...all.filter(({ template }) => !template.startsWith('A')).map(toRecognizer),
  {
    kind: 'nationalId',
    firstCharacters: letters,
    lookBehind: Math.max(...withLetterFirst.map(({ lookBehind }) => lookBehind)),
    maxHeldBack: Math.max(...withLetterFirst.map(({ maxHeldBack }) => maxHeldBack)),
    matchAt: (text, start, complete) => {
      if (!mayBeId(text, start, complete)) return nothing;
      for (const recognizer of withLetterFirst) {
        const end = recognizer.matchAt(text, start, complete);
        if (end > 0 || end === undecided) return end;
      }
      return nothing;
    },
  },
];

function mayBeId(text: string, start: number, complete: boolean): boolean {
  const end = start + firstDigitWithin;
  if (end > text.length && !complete) return true;
  for (let position = start + 1; position < end; position++) if (isDigit(text.charCodeAt(position))) return true;
  return false;
}
