/** How well a search finds one relevant article a question. */
export interface Quality {
  /** The share of questions with their article among the first five. */
  readonly recallAt5: number;
  /** Discounted cumulative gain of the first five, of the best possible one (Järvelin and Kekäläinen 2002). */
  readonly ndcgAt5: number;
}

/** @param ranks the place of the relevant article in each question's results, from 0; -1: not found */
export function measureQuality(ranks: readonly number[]): Quality {
  const found = ranks.filter((rank) => rank >= 0 && rank < 5);
  const gain = found.reduce((sum, rank) => sum + 1 / Math.log2(rank + 2), 0);
  return { recallAt5: found.length / ranks.length, ndcgAt5: gain / ranks.length };
}
