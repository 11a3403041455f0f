import { codePointAt, codePointBefore } from '../characters.ts';
import { DetectorConfigError } from '../config-error.ts';
import type { Detector, Match } from '../detector.ts';
import { makeDetectorOf } from '../finder.ts';
import { type Fold, type Folded, foldWord, makeFold } from './fold.ts';

export interface WordsConfig {
  readonly detector: 'words';
  /** Words and phrases. Case does not matter, nor how much white space there is between the words of a phrase. */
  readonly words: readonly string[];
}

const mostWords = 10_000;
const longestWord = 200;

/** A node of the tree of all words, by their folded characters. */
interface Node {
  readonly next: Map<string, Node>;
  isEnd: boolean;
}

/** @throws {DetectorConfigError} */
export function makeWordsDetector({ words }: WordsConfig): Detector {
  if (words.length === 0) throw new DetectorConfigError('words', 'must have at least one word');
  if (words.length > mostWords) throw new DetectorConfigError('words', `must have at most ${mostWords} words`);
  const fold = makeFold();
  const root: Node = { next: new Map(), isEnd: false };
  for (const [index, word] of words.entries()) add(root, fold, word, `words[${index}]`);
  const longest = Math.max(...words.map((word) => foldWord(fold, word).length));
  const finder = makeFinder(root, fold, longest);
  return makeDetectorOf('words', finder);
}

function add(root: Node, fold: Fold, word: string, field: string): void {
  if (word.length > longestWord) throw new DetectorConfigError(field, `must have at most ${longestWord} characters`);
  const folded = foldWord(fold, word);
  if (!/[^\s]/.test(folded)) throw new DetectorConfigError(field, 'must not be empty');
  let node = root;
  for (const character of folded) {
    const child = node.next.get(character) ?? { next: new Map(), isEnd: false };
    node.next.set(character, child);
    node = child;
  }
  node.isEnd = true;
}

function makeFinder(root: Node, fold: Fold, longest: number) {
  /** Twice the word, for decomposed and invisible characters, and some white space. */
  const maxSpan = 2 * longest + 16;
  const lookBehind = 2;
  const foldAt = (text: string, position: number): Folded => fold(codePointAt(text, position));

  /** @returns the end of the longest word from here; 0: none; -1: text to come decides */
  const matchAt = (text: string, start: number, complete: boolean): number => {
    const { length } = text;
    let node = root;
    let end = 0;
    let last: Folded | undefined;
    let afterSpace = false;
    for (let position = start; position - start <= maxSpan; ) {
      if (position >= length) {
        if (!complete) return -1;
        return node.isEnd ? length : end;
      }
      const current = foldAt(text, position);
      if (node.isEnd && last !== undefined && isBoundary(last, current)) end = position;
      position += codePointAt(text, position) > 0xffff ? 2 : 1;
      if (current.text === '' || (current.text === ' ' && afterSpace)) continue;
      const following = descend(node, current.text);
      if (following === undefined) return end;
      node = following;
      last = current;
      afterSpace = current.text === ' ';
    }
    return end;
  };

  /** The ASCII characters that a word may begin with. */
  const initials = Uint8Array.from({ length: 128 }, (_, unit) => (root.next.has(fold(unit).text) ? 1 : 0));

  const find = (text: string, from: number, complete: boolean): Match | number => {
    for (let start = from; start < text.length; start++) {
      const unit = text.charCodeAt(start);
      if (unit < 128 && initials[unit] === 0) continue;
      const codePoint = codePointAt(text, start);
      const first = fold(codePoint);
      if (first.text !== '' && root.next.has(firstCharacter(first.text)) && beginsWord(text, start, first)) {
        const end = matchAt(text, start, complete);
        if (end > 0) return { start, end, kind: 'word' };
        if (end < 0) return start;
      }
      if (codePoint > 0xffff) start++;
    }
    return text.length;
  };

  const beginsWord = (text: string, start: number, first: Folded): boolean => {
    if (start === 0) return true;
    const before = fold(codePointBefore(text, start));
    // After an invisible character anything may stand; so it may not hide a word.
    return before.text === '' || isBoundary(before, first);
  };

  return { kinds: ['word'], lookBehind, maxHeldBack: maxSpan + 2, find };
}

/** Two word characters have no boundary between them, unless one is of a script without spaces. */
function isBoundary(before: Folded, after: Folded): boolean {
  return !before.isWord || !after.isWord || before.isUnspaced || after.isUnspaced;
}

function firstCharacter(text: string): string {
  return String.fromCodePoint(text.codePointAt(0) ?? 0);
}

/** A character may be folded to several. */
function descend(node: Node, text: string): Node | undefined {
  if (text.length === 1) return node.next.get(text);
  let following: Node | undefined = node;
  for (const character of text) following = following?.next.get(character);
  return following;
}
