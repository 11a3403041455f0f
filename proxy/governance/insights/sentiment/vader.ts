import type { Lexicon } from './lexicon.ts';
import { isUpper, round, splitWords } from './python-text.ts';
import { boosters, idioms, negations } from './vader-words.ts';

/** What VADER says of a text. The three shares sum to one but for their rounding. */
export interface VaderScores {
  readonly positive: number;
  readonly negative: number;
  readonly neutral: number;
  /** From -1 to 1. */
  readonly compound: number;
}

/** What a rated word adds, in the order of the text. */
export interface RatedWord {
  readonly word: string;
  readonly valence: number;
}

export interface VaderResult extends VaderScores {
  readonly words: readonly RatedWord[];
}

/** How much capitals add to a rating in a text that is not all in capitals. */
const capitals = 0.733;
/** What a negation makes of a rating. */
const negated = -0.74;

/** A word of a text. */
interface Token {
  readonly text: string;
  readonly lower: string;
}

/**
 * Rates English text by the rules of VADER 3.3.2.
 *
 * @see Hutto, C. J. and Gilbert, E. (2014). VADER: A Parsimonious Rule-based Model for Sentiment Analysis of Social Media
 *   Text. https://doi.org/10.1609/icwsm.v8i1.14550
 */
export function makeVader({ valences, emoji }: Lexicon): (text: string) => VaderResult {
  return (given) => {
    const text = nameEmoji(given, emoji);
    const tokens = splitWords(text).map(toToken);
    const someCapitals = hasSomeCapitals(tokens);
    const rate = (at: number): number => {
      const { lower } = tokens[at] as Token;
      if (boosters.has(lower) || (lower === 'kind' && tokens[at + 1]?.lower === 'of')) return 0;
      return valences.has(lower) ? rateWord(tokens, at, valences, someCapitals) : 0;
    };
    const rated = weighAroundBut(
      tokens,
      tokens.map((_, at) => rate(at)),
    );
    const words = tokens.flatMap(({ text: word }, at) => {
      const valence = rated[at] ?? 0;
      return valence === 0 ? [] : [{ word, valence }];
    });
    return { ...score(rated, emphasisOf(text)), words };
  };
}

function nameEmoji(text: string, emoji: Lexicon['emoji']): string {
  let named = '';
  let afterSpace = true;
  for (const character of text) {
    const name = emoji.get(character);
    if (name === undefined) {
      named += character;
      afterSpace = character === ' ';
    } else {
      named += afterSpace ? name : ` ${name}`;
      afterSpace = false;
    }
  }
  return named;
}

/** A word without the marks around it. What would have less than three characters may be an emoticon. */
function toToken(word: string): Token {
  const bare = word.replace(/^[!-/:-@[-`{-~]+/, '').replace(/[!-/:-@[-`{-~]+$/, '');
  const text = [...bare].length <= 2 ? word : bare;
  return { text, lower: text.toLowerCase() };
}

function hasSomeCapitals(tokens: readonly Token[]): boolean {
  const count = tokens.filter(({ text }) => isUpper(text)).length;
  return count > 0 && count < tokens.length;
}

function rateWord(tokens: readonly Token[], at: number, valences: Lexicon['valences'], someCapitals: boolean): number {
  const word = tokens[at] as Token;
  const lowerAt = (back: number) => tokens[at - back]?.lower;
  const own = valences.get(word.lower) ?? 0;
  let valence = own;
  // "No" before a rated word is its negation.
  if (word.lower === 'no' && valences.has(tokens[at + 1]?.lower ?? '')) valence = 0;
  const isNo =
    lowerAt(1) === 'no' || lowerAt(2) === 'no' || (lowerAt(3) === 'no' && ['or', 'nor'].includes(lowerAt(1) ?? ''));
  if (isNo) valence = own * negated;
  if (someCapitals && isUpper(word.text)) valence += valence > 0 ? capitals : -capitals;
  for (const back of [1, 2, 3] as const) {
    const before = tokens[at - back];
    if (!before || valences.has(before.lower)) continue;
    valence += boost(before, valence, someCapitals) * damping[back];
    valence = negate(valence, back, lowerAt);
    if (back === 3) valence = readIdioms(valence, tokens, at);
  }
  return minimise(valence, at, lowerAt, valences);
}

/** Words farther away count less. */
const damping = { 1: 1, 2: 0.95, 3: 0.9 } as const;

function boost({ text, lower }: Token, valence: number, someCapitals: boolean): number {
  const booster = boosters.get(lower);
  if (booster === undefined) return 0;
  const scalar = valence < 0 ? -booster : booster;
  if (!someCapitals || !isUpper(text)) return scalar;
  return valence > 0 ? scalar + capitals : scalar - capitals;
}

type LowerAt = (back: number) => string | undefined;

function negate(valence: number, back: 1 | 2 | 3, lowerAt: LowerAt): number {
  const isSo = (distance: number) => lowerAt(distance) === 'so' || lowerAt(distance) === 'this';
  const isNever = lowerAt(back) === 'never';
  const isWithout = lowerAt(back) === 'without';
  if (back === 2 && isNever && isSo(1)) return valence * 1.25;
  // The reference has this precedence: "so" or "this" before the word is enough.
  if (back === 3 && ((isNever && isSo(2)) || isSo(1))) return valence * 1.25;
  if (back > 1 && isWithout && (lowerAt(1) === 'doubt' || (back === 3 && lowerAt(2) === 'doubt'))) return valence;
  const word = lowerAt(back) ?? '';
  return negations.has(word) || word.includes("n't") ? valence * negated : valence;
}

function readIdioms(valence: number, tokens: readonly Token[], at: number): number {
  const phrase = (from: number, to: number) =>
    tokens
      .slice(at + from, at + to + 1)
      .map(({ lower }) => lower)
      .join(' ');
  const before = [phrase(-1, 0), phrase(-2, 0), phrase(-2, -1), phrase(-3, -1), phrase(-3, -2)];
  const found = before.map((one) => idioms.get(one)).find((one) => one !== undefined);
  let read = found ?? valence;
  if (at + 1 < tokens.length) read = idioms.get(phrase(0, 1)) ?? read;
  if (at + 2 < tokens.length) read = idioms.get(phrase(0, 2)) ?? read;
  for (const one of [phrase(-3, -1), phrase(-3, -2), phrase(-2, -1)]) read += boosters.get(one) ?? 0;
  return read;
}

/** "Least" turns around what follows, but not after "at" or "very". */
function minimise(valence: number, at: number, lowerAt: LowerAt, valences: Lexicon['valences']): number {
  if (lowerAt(1) !== 'least' || valences.has('least')) return valence;
  if (at > 1 && (lowerAt(2) === 'at' || lowerAt(2) === 'very')) return valence;
  return valence * negated;
}

/**
 * What comes before "but" counts half, what comes after it one and a half. As in the reference, it is the first of equal
 * ratings that is changed.
 */
function weighAroundBut(tokens: readonly Token[], ratings: readonly number[]): number[] {
  const rated = [...ratings];
  const but = tokens.findIndex(({ lower }) => lower === 'but');
  if (but === -1) return rated;
  for (let at = 0; at < rated.length; at += 1) {
    const rating = rated[at] ?? 0;
    // Zero stays zero, wherever it is.
    if (rating === 0) continue;
    const first = rated.indexOf(rating);
    if (first < but) rated[first] = rating * 0.5;
    else if (first > but) rated[first] = rating * 1.5;
  }
  return rated;
}

/** What exclamation and question marks add. */
function emphasisOf(text: string): number {
  const exclamations = Math.min(4, text.split('!').length - 1);
  const questions = text.split('?').length - 1;
  const ofQuestions = questions <= 1 ? 0 : questions <= 3 ? questions * 0.18 : 0.96;
  return exclamations * 0.292 + ofQuestions;
}

function score(ratings: readonly number[], emphasis: number): VaderScores {
  if (ratings.length === 0) return { positive: 0, negative: 0, neutral: 0, compound: 0 };
  const sum = ratings.reduce((total, one) => total + one, 0);
  const emphasised = sum > 0 ? sum + emphasis : sum < 0 ? sum - emphasis : sum;
  const compound = emphasised / Math.sqrt(emphasised * emphasised + 15);
  // One more each, as much as a neutral word counts.
  let positive = ratings.reduce((total, one) => (one > 0 ? total + (one + 1) : total), 0);
  let negative = ratings.reduce((total, one) => (one < 0 ? total + (one - 1) : total), 0);
  const neutral = ratings.filter((one) => one === 0).length;
  if (positive > -negative) positive += emphasis;
  else if (positive < -negative) negative -= emphasis;
  const total = positive - negative + neutral;
  return {
    positive: round(positive / total, 3),
    negative: round(Math.abs(negative / total), 3),
    neutral: round(neutral / total, 3),
    compound: round(Math.max(-1, Math.min(1, compound)), 4),
  };
}
