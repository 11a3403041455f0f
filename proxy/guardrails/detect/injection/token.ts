/** Letters of other scripts, and digits, that are read as Latin letters. Not all there are: those that evaders use. */
const lookalikes: ReadonlyMap<string, string> = new Map(
  Object.entries({
    a: 'аαɑ4',
    b: 'Ьв',
    c: 'сϲ',
    d: 'ԁ',
    e: 'еєε3',
    g: 'ɡ',
    h: 'һн',
    i: 'іιı1',
    j: 'ј',
    k: 'кκ',
    l: 'ӏ',
    m: 'м',
    n: 'ո',
    o: 'оοσ0',
    p: 'рρ',
    q: 'ԛ',
    r: 'г',
    s: 'ѕ5',
    t: 'тτ7',
    u: 'υս',
    v: 'νѵ',
    w: 'ԝω',
    x: 'хχ',
    y: 'уүγ',
    z: 'ᴢ',
  }).flatMap(([latin, others]) => Array.from(others, (other) => [other, latin] as const)),
);

const invisible = /\p{Default_Ignorable_Code_Point}/gu;
const accents = /\p{M}/gu;

/** A word as it is compared: Latin letters in lower case, without accents, invisible characters and look-alikes. */
export function foldToken(token: string): string {
  // Nearly all words are plain.
  if (/^[a-z]+$/.test(token)) return token;
  const plain = token.replace(invisible, '').normalize('NFKD').replace(accents, '').toLowerCase();
  if (/^\d+$/.test(plain)) return plain;
  return Array.from(plain, (character) => lookalikes.get(character) ?? character).join('');
}

export interface Token {
  readonly folded: string;
  readonly end: number;
}

export const longestToken = 32;
/** The most units between two words of a phrase: white space, punctuation, line breaks, quotes. */
export const longestGap = 8;

const wordClass = Uint8Array.from({ length: 128 }, (_, unit) =>
  /[A-Za-z0-9]/.test(String.fromCharCode(unit)) ? 1 : 0,
);

/** Whether a unit may stand in a word: letters beyond ASCII and invisible characters do. */
export function isTokenUnit(unit: number): boolean {
  if (unit < 128) return wordClass[unit] === 1;
  if (unit < 0xc0) return unit === 0xad;
  return (
    !((unit >= 0x2000 && unit < 0x200b) || (unit >= 0x2010 && unit < 0x202a) || (unit >= 0x3000 && unit < 0x3004)) &&
    unit !== 0xff0c
  );
}

/** @returns the word from here; undefined: none of at most 32 units; true: text to come decides */
export function readToken(text: string, start: number, complete: boolean): Token | true | undefined {
  let end = start;
  while (end < text.length && end - start <= longestToken && isTokenUnit(text.charCodeAt(end))) end++;
  if (end === start || end - start > longestToken) return undefined;
  if (end === text.length && !complete) return true;
  const token = text.slice(start, end);
  return { folded: foldToken(token), end };
}

/** @returns where the next word begins; undefined: it is too far away; true: text to come decides */
export function skipGap(text: string, from: number, complete: boolean): number | true | undefined {
  let position = from;
  while (position < text.length && position - from < longestGap && !isTokenUnit(text.charCodeAt(position))) position++;
  if (position === text.length) return complete ? undefined : true;
  return position - from < longestGap && position > from ? position : undefined;
}
