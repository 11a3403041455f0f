import { setImmediate as nextTurn } from 'node:timers/promises';
import { loadRateByLexicon } from '../sentiment/rate-by-lexicon.ts';
import type { Explainable } from './explained-model.ts';

/** Its name in requests. */
export const builtInSentiment = 'sentiment';

/** Calls and other requests wait no longer for texts that are rated here. */
const turnMs = 10;

/**
 * The sentiment without a model, by VADER. Its `compound` is explained, from -1 to 1. VADER has no probabilities: the
 * confidence is how far `compound` is from 0; of a neutral text, how far it is from 1 and -1.
 */
export const explainableSentiment: Explainable = async (given) => {
  const rate = await loadRateByLexicon();
  const { sentiment, compound = 0 } = rate(given);
  const strength = Math.abs(compound);
  return {
    name: 'compound',
    prediction: { label: sentiment, confidence: sentiment === 'neutral' ? 1 - strength : strength },
    async valuesOf(texts) {
      const values: number[] = [];
      let turnEndsAt = performance.now() + turnMs;
      for (const text of texts) {
        // The text as a whole is in English, so its parts are.
        values.push(rate({ text, language: 'en' }).compound ?? 0);
        if (performance.now() < turnEndsAt) continue;
        await nextTurn();
        turnEndsAt = performance.now() + turnMs;
      }
      return values;
    },
  };
};
