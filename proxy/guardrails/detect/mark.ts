import { isDigit } from './characters.ts';

/** Something that must stand within what a recognizer recognizes, and that most words are far from. */
export interface Mark {
  /** Its first position at or after another one; -1 where there is none. */
  nextIn(text: string, from: number): number;
}

export const atSign: Mark = { nextIn: (text, from) => text.indexOf('@', from) };
export const colon: Mark = { nextIn: (text, from) => text.indexOf(':', from) };
export const anyDigit: Mark = {
  nextIn(text, from) {
    for (let position = from; position < text.length; position++)
      if (isDigit(text.charCodeAt(position))) return position;
    return -1;
  },
};
