import type { Lexicon } from './lexicon.ts';
import type { GivenText } from './sentiment.ts';
import { boosters, negations } from './vader-words.ts';

/** Whether a text is in English, as far as that can be told: where nothing speaks against it, it is. */
export type IsEnglish = (given: GivenText) => boolean;

/** The words that English sentences are held together by. */
const common = new Set(
  "a about after all also an and any are as at be because been but by can could did do does each even every few for from get got had has have he her here him his how i i'm i've if in into is isn't it it's its just like me more most much my no not now of off on one only or our out over she should some such than that that's the their them then there these they this those through time to too up us was we were what when where which while who why will with would you your".split(
    ' ',
  ),
);
/** So many of the words must be known at least. */
const enough = 1 / 3;

/**
 * Loads the profiles of languages. They are wrong about slang and very short texts, so words that English alone has, or
 * that the lexicon rates, decide first.
 */
export async function loadIsEnglish({ valences }: Pick<Lexicon, 'valences'>): Promise<IsEnglish> {
  const { eld } = await import('eld/small');
  const isKnown = (word: string) => common.has(word) || valences.has(word) || boosters.has(word) || negations.has(word);
  return ({ text, language }) => {
    if (language !== undefined) return /^en\b/i.test(language);
    const given = text.normalize('NFC');
    const letters = count(given, /\p{L}/gu);
    if (letters === 0) return true;
    if (count(given, /\p{Script=Latin}/gu) < letters / 2) return false;
    const words = given
      .split(/\s+/)
      .map(toWord)
      .filter((word) => /\p{L}/u.test(word));
    if (words.filter(isKnown).length >= words.length * enough) return true;
    const detected = eld.detect(given);
    return detected.language === 'en' || !detected.isReliable();
  };
}

function toWord(text: string): string {
  return text
    .toLowerCase()
    .replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, '')
    .replaceAll('’', "'");
}

function count(text: string, what: RegExp): number {
  return text.match(what)?.length ?? 0;
}
