import { isDigit, isLetter } from '../../characters.ts';

/**
 * The shape of a number, read from left to right without ever going back:
 * `d` a digit, `A` a letter, `X` either, `S` a separator (space, hyphen or dot), `s` one that may be absent; others stand
 * for themselves.
 */
export type Template = readonly number[];

export interface Reading {
  /** Digits and letters alone, in upper case. */
  readonly compact: string;
  /** Whether there was a separator. */
  readonly isGrouped: boolean;
}

const [digit, letter, either, separator, optional] = [100, 65, 88, 83, 115];

export function parseTemplate(template: string): Template {
  return Array.from(template, (character) => character.charCodeAt(0));
}

/** Its end, or that the text does not have the shape here, or ends before that can be said. */
export const mismatch = 0;
export const tooShort = -1;

export function endOfTemplate(template: Template, text: string, start: number): number {
  let position = start;
  for (let index = 0; index < template.length; index++) {
    if (position >= text.length) return tooShort;
    const element = template[index];
    const unit = text.charCodeAt(position);
    if (element === optional) {
      if (isSeparator(unit)) position += 1;
      continue;
    }
    if (!accepts(element, unit)) return mismatch;
    position += 1;
  }
  return position;
}

function accepts(element: number | undefined, unit: number): boolean {
  if (element === digit) return isDigit(unit);
  if (element === letter) return isLetter(unit);
  if (element === either) return isDigit(unit) || isLetter(unit);
  return element === separator ? isSeparator(unit) : element === unit;
}

/** How many digits a text of this shape may begin with: all of them in a row, up to a separator, a letter or its end. */
export function leadingDigits(template: Template): ReadonlySet<number> {
  const counts = new Set<number>();
  let count = 0;
  for (const element of template) {
    if (element === optional || element === either) counts.add(count);
    else if (element !== digit) break;
    if (element !== optional) count += 1;
  }
  return counts.add(count);
}

export function isSeparator(unit: number): boolean {
  return unit === 32 || unit === 45 || unit === 46 || unit === 0xa0;
}

/** What has a template's shape. */
export function toReading(text: string): Reading {
  const compact = text.replaceAll(/[^0-9A-Za-z]/g, '').toUpperCase();
  return { compact, isGrouped: compact.length < text.length };
}
