import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ProblemCode, ProxyError } from '../../../error.ts';
import type { GivenText, Sentiment } from './sentiment.ts';

/** A text of a batch. */
export interface BatchText extends GivenText {
  /** As its client names it. */
  readonly id: string;
}

/** What became of a text. */
export type BatchResult =
  | { readonly id: string; readonly sentiment: Sentiment }
  | { readonly id: string; readonly error: { readonly code: ProblemCode; readonly message: string } };

export const mostTexts = 1_000;

/** How many texts a model judges at once. */
const mostAtOnce = 8;
/** Calls and other requests wait no longer for texts that are rated here. */
const turnMs = 10;

/** Judges texts, several at once. One that fails does not affect the others. In the order of the texts. */
export async function judgeTexts(
  texts: readonly BatchText[],
  judge: (text: BatchText, at: number) => Promise<Sentiment>,
  onResult: (result: BatchResult) => void = () => {},
): Promise<BatchResult[]> {
  const results = Array<BatchResult>(texts.length);
  let [next, turnEndsAt] = [0, performance.now() + turnMs];
  const work = async () => {
    for (let at = next++; at < texts.length; at = next++) {
      const text = texts[at] as BatchText;
      const result = await judgeOne(text, () => judge(text, at));
      results[at] = result;
      onResult(result);
      if (performance.now() < turnEndsAt) continue;
      await nextTurn();
      turnEndsAt = performance.now() + turnMs;
    }
  };
  await Promise.all(Array.from({ length: mostAtOnce }, work));
  return results;
}

async function judgeOne({ id }: BatchText, judge: () => Promise<Sentiment>): Promise<BatchResult> {
  try {
    return { id, sentiment: await judge() };
  } catch (error) {
    if (!(error instanceof ProxyError)) throw error;
    return { id, error: { code: error.code, message: error.message } };
  }
}

/** How many texts there are of each kind. */
export function summarize(results: readonly BatchResult[]) {
  const count = (label: Sentiment['sentiment']) =>
    results.filter((one) => 'sentiment' in one && one.sentiment.sentiment === label).length;
  return {
    positive: count('positive'),
    negative: count('negative'),
    neutral: count('neutral'),
    failed: results.filter((one) => 'error' in one).length,
  };
}
