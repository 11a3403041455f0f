import nlp from 'compromise';
import type { Detector } from '../detector.ts';
import { makeDetectorOf } from '../finder.ts';

/** The longest sentence that is looked at as a whole. */
const longestSentence = 400;
const sentenceEnd = /[.!?。！？][\s"')\]]{1,16}|\n/g;

/**
 * Names of people, as compromise recognizes them in English sentences by their words and their form. A stream is held
 * back until a sentence ends.
 */
export function makeNameDetector(): Detector {
  return makeDetectorOf('pii', {
    kinds: ['name'],
    lookBehind: 0,
    maxHeldBack: longestSentence,
    find: (text, from, complete) => {
      for (let start = from; start < text.length; ) {
        const end = endOfSentence(text, start);
        if (end === undefined && !complete) return start;
        const sentence = text.slice(start, end);
        const name = findName(sentence);
        if (name !== undefined) return { start: start + name.start, end: start + name.end, kind: 'name' };
        start += sentence.length;
      }
      return text.length;
    },
  });
}

/** @returns undefined if the text ends before the sentence does */
function endOfSentence(text: string, start: number): number | undefined {
  sentenceEnd.lastIndex = start;
  const found = sentenceEnd.exec(text);
  // Spaces to come would belong to the end.
  const end = found === null || sentenceEnd.lastIndex >= text.length ? Infinity : sentenceEnd.lastIndex;
  if (end - start <= longestSentence) return end;
  return text.length - start >= longestSentence ? start + longestSentence : undefined;
}

interface Offset {
  readonly offset?: { readonly start: number; readonly length: number };
}

function findName(sentence: string): { start: number; end: number } | undefined {
  // A name has a capital letter.
  if (!/\p{Lu}/u.test(sentence)) return undefined;
  const people: readonly Offset[] = nlp(sentence).people().json({ offset: true });
  for (const { offset } of people) {
    if (offset === undefined) continue;
    const found = sentence.slice(offset.start, offset.start + offset.length);
    const name = /^[^\p{L}]*(?<name>.*?)(?:['’]s)?[\s\p{P}]*$/su.exec(found)?.groups?.name ?? '';
    const start = offset.start + found.indexOf(name);
    const end = start + name.length;
    if (isWritten(name) && !isPartOfToken(sentence, start, end)) return { start, end };
  }
  return undefined;
}

/** Whether it is written as a name: each word but particles such as "van der" has a capital letter. */
function isWritten(name: string): boolean {
  const words = name.split(/\s+/);
  return /^\p{Lu}/u.test(name) && words.every((word) => /^['’]?\p{Lu}/u.test(word) || word.length <= 3);
}

/** Whether it is a part of an address, a path or an identifier. */
function isPartOfToken(sentence: string, start: number, end: number): boolean {
  return /[@._/\d-]$/.test(sentence.slice(0, start)) || /^(?:[@_/\d-]|\.\w)/.test(sentence.slice(end));
}
