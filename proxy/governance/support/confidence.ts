import { foldWords } from '../../../knowledge/fold.ts';
import type { GivenPassage } from './prompt.ts';

/** How much each part of a confidence weighs, in the logarithm of the odds. */
export const weights = { base: -4, agreement: 4.5, own: 3 };

/** What a confidence is made of. Each is from 0 to 1. */
export interface ConfidenceParts {
  /** How far the search agrees with what the model cites. */
  readonly agreement: number;
  /** The model's own estimate. */
  readonly own: number;
}

/**
 * How likely an answer is right: 1 / (1 + e^-(base + agreement × a + own × m)), where `a` is how far the search agrees
 * with what is cited and `m` the model's own estimate. Without a citation it is 0.
 */
export function calibrate(parts: ConfidenceParts | undefined, by = weights): number {
  if (!parts) return 0;
  const { base, agreement, own } = by;
  const value = 1 / (1 + Math.exp(-(base + agreement * parts.agreement + own * parts.own)));
  return Math.round(value * 100) / 100;
}

/**
 * How far the search agrees with what a model cites: the mean of one over the rank of the best passage that is cited, and
 * of the share of the question's words that the cited passages have.
 *
 * @param passages what the search found, the best first
 * @returns undefined where nothing is cited
 */
export function agreementOf(
  question: string,
  passages: readonly GivenPassage[],
  cited: readonly string[],
): number | undefined {
  const rank = passages.findIndex(({ id }) => cited.includes(id));
  if (rank < 0) return undefined;
  const had = new Set(
    passages.filter(({ id }) => cited.includes(id)).flatMap(({ title, text }) => stemsOf(`${title} ${text}`)),
  );
  const asked = [...new Set(stemsOf(question))];
  const covered = asked.filter((stem) => had.has(stem)).length;
  const coverage = asked.length === 0 ? 0 : covered / asked.length;
  return (1 / (rank + 1) + coverage) / 2;
}

const stemLength = 5;

/** Words without most of their endings, and without those that are too short to tell anything. */
function stemsOf(text: string): string[] {
  return (foldWords(text).match(/[\p{L}\p{N}]{4,}/gu) ?? []).map((word) => word.slice(0, stemLength));
}
