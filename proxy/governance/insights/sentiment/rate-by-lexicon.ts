import { ProxyError } from '../../../error.ts';
import type { GivenText, Sentiment } from './sentiment.ts';
import type { RatedWord, VaderResult } from './vader.ts';

/** Rates a text without any provider. @throws {ProxyError} `language_unsupported` where it is not in English */
export type RateByLexicon = (given: GivenText) => Sentiment;

/** As the authors of VADER recommend. */
const neutralWithin = 0.05;
const mostKeys = 5;

let loading: Promise<RateByLexicon> | undefined;

/** Loads the lexicon and the profiles of languages, once in a process. */
export function loadRateByLexicon(): Promise<RateByLexicon> {
  loading ??= load();
  return loading;
}

async function load(): Promise<RateByLexicon> {
  const [{ loadLexicon }, { makeVader }, { loadIsEnglish }] = await Promise.all([
    import('./lexicon.ts'),
    import('./vader.ts'),
    import('./language.ts'),
  ]);
  const lexicon = await loadLexicon();
  const rate = makeVader(lexicon);
  const isEnglish = await loadIsEnglish(lexicon);
  return (given) => {
    if (!isEnglish(given)) throw new ProxyError('language_unsupported', { param: 'text' });
    return toSentiment(rate(given.text));
  };
}

function toSentiment({ words, ...scores }: VaderResult): Sentiment {
  const { compound } = scores;
  return {
    ...scores,
    sentiment: compound >= neutralWithin ? 'positive' : compound <= -neutralWithin ? 'negative' : 'neutral',
    satisfactionScore: Math.round(5.5 + 4.5 * compound),
    keyPositives: keysOf(words.filter(({ valence }) => valence > 0)),
    keyNegatives: keysOf(words.filter(({ valence }) => valence < 0)),
  };
}

/** The words that say most. */
function keysOf(words: readonly RatedWord[]): string[] {
  const sorted = words.toSorted((one, other) => Math.abs(other.valence) - Math.abs(one.valence));
  return [...new Set(sorted.map(({ word }) => word.toLowerCase()))].slice(0, mostKeys);
}
