import { continuesToken, digits, isTokenEnd, letters, tokenEndLookAhead } from '../../characters.ts';
import { nothing, type Recognizer, undecided } from '../../recognizer.ts';
import { endOfTemplate, mismatch, parseTemplate, tooShort, toReading } from './template.ts';

/** How one country writes one of its numbers, and how it is checked. */
export interface NationalId {
  /** ISO 3166-1, for readers. */
  readonly country: string;
  readonly name: string;
  readonly template: string;
  /** @param compact digits and letters without separators, in upper case */
  check(compact: string): boolean;
  /**
   * When it is recognized without a word such as "SSN" before: `Always`, where the check is strict; `Grouped`, only with
   * its separators, where order numbers may pass the check; or `Never`.
   */
  readonly withoutContext: 'Always' | 'Grouped' | 'Never';
  /** The words before it that say what it is. */
  readonly context: RegExp;
}

const contextLength = 48;

/** Words that say in several languages that an official number of a person follows. */
const commonContext =
  /(?:national (?:id|identity|insurance)|identity (?:card|number|no)|\bid (?:card|number|no\b)|social security|tax (?:id|number|no\b)|taxpayer|personal (?:id|number|code)|citizen)[^0-9\n]{0,20}$/i;

export function toRecognizer({ template, check, withoutContext, context }: NationalId): Recognizer {
  const parsed = parseTemplate(template);
  const isConfirmed = (text: string, start: number, isGrouped: boolean) => {
    if (withoutContext === 'Always' || (withoutContext === 'Grouped' && isGrouped)) return true;
    const before = text.slice(Math.max(0, start - contextLength), start);
    return context.test(before) || commonContext.test(before);
  };
  return {
    kind: 'nationalId',
    firstCharacters: /^A/.test(template) ? letters : /^X/.test(template) ? `${digits}${letters}` : digits,
    lookBehind: contextLength,
    maxHeldBack: template.length + tokenEndLookAhead,
    matchAt: (text, start, complete) => {
      const end = endOfTemplate(parsed, text, start);
      if (end === mismatch) return nothing;
      if (end === tooShort) return complete ? nothing : undecided;
      const isEnd = isTokenEnd(text, end, complete);
      if (isEnd === undefined) return undecided;
      if (!isEnd || continuesToken(text, start)) return nothing;
      const { compact, isGrouped } = toReading(text.slice(start, end));
      return check(compact) && isConfirmed(text, start, isGrouped) ? end : nothing;
    },
  };
}
