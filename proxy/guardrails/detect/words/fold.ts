/** Characters that are not seen, such as soft hyphens and zero-width spaces: evaders put them into words. */
const ignorable = /^\p{Default_Ignorable_Code_Point}$/u;

/** Scripts that are written without spaces, or, as Korean, with endings attached: every character may begin or end a word. */
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/** What a character is to the words around it, and what it is folded to. */
export interface Folded {
  /** Zero or more characters; a space for any white space. */
  readonly text: string;
  readonly isWord: boolean;
  /** Whether a word may begin or end here although a letter stands beside it. */
  readonly isUnspaced: boolean;
}

export type Fold = (codePoint: number) => Folded;

const cacheSize = 0x3000;

/**
 * Folds characters so that equal words have equal foldings: case (also ß and SS, ς and σ), compatible forms (full-width
 * letters, ligatures, mathematical letters), composed and decomposed accents.
 */
export function makeFold(): Fold {
  const cache: (Folded | undefined)[] = Array.from({ length: cacheSize });
  return (codePoint) => {
    const known = codePoint < cacheSize ? cache[codePoint] : undefined;
    if (known !== undefined) return known;
    const folded = fold(String.fromCodePoint(codePoint));
    if (codePoint < cacheSize) cache[codePoint] = folded;
    return folded;
  };
}

function fold(character: string): Folded {
  if (ignorable.test(character)) return { text: '', isWord: true, isUnspaced: false };
  if (/^\s$/.test(character)) return { text: ' ', isWord: false, isUnspaced: false };
  const text = character.normalize('NFKD').toUpperCase().toLowerCase().normalize('NFKD');
  return { text, isWord: /^[\p{L}\p{N}\p{M}_]/u.test(text), isUnspaced: unspaced.test(character) };
}

export function foldWord(foldCharacter: Fold, word: string): string {
  return Array.from(word.trim(), (character) => foldCharacter(character.codePointAt(0) ?? 0).text)
    .join('')
    .replaceAll(/ +/g, ' ');
}
