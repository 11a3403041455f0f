import { isDigit, isLetter } from '../../characters.ts';

/** A position of a template: what may stand there, and whether it may be absent. */
interface Element {
  accepts(unit: number): boolean;
  readonly isOptional: boolean;
  /** Whether it counts as content, as separators do not. */
  readonly isContent: boolean;
}

/**
 * The shape of a number, read from left to right without ever going back:
 * `d` a digit, `A` a letter, `X` either, `S` a separator (space, hyphen or dot), `s` one that may be absent; others stand
 * for themselves.
 */
export type Template = readonly Element[];

export interface Reading {
  /** Digits and letters alone, in upper case. */
  readonly compact: string;
  /** Whether there was a separator. */
  readonly isGrouped: boolean;
  readonly end: number;
}

const element = (accepts: (unit: number) => boolean, isContent: boolean, isOptional = false): Element => ({
  accepts,
  isContent,
  isOptional,
});

const separator = (unit: number) => unit === 32 || unit === 45 || unit === 46 || unit === 0xa0;

export function parseTemplate(template: string): Template {
  return Array.from(template, (character): Element => {
    if (character === 'd') return element(isDigit, true);
    if (character === 'A') return element(isLetter, true);
    if (character === 'X') return element((unit) => isDigit(unit) || isLetter(unit), true);
    if (character === 'S') return element(separator, false);
    if (character === 's') return element(separator, false, true);
    return element((unit) => unit === character.charCodeAt(0), false);
  });
}

/** @returns undefined if the text does not have the shape here, `true` if it ends before that can be said */
export function readTemplate(template: Template, text: string, start: number): Reading | true | undefined {
  let position = start;
  let compact = '';
  let isGrouped = false;
  for (const { accepts, isOptional, isContent } of template) {
    if (position >= text.length) return true;
    if (!accepts(text.charCodeAt(position))) {
      if (isOptional) continue;
      return undefined;
    }
    if (isContent) compact += text[position];
    else isGrouped = true;
    position += 1;
  }
  return { compact: compact.toUpperCase(), isGrouped, end: position };
}
