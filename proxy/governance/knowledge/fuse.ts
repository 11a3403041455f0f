/** A passage of an article that a ranking has found. */
export interface PlacedPassage {
  readonly articleId: string;
  readonly number: number;
  /** Of the article. */
  readonly version: number;
  readonly startsAt: number;
  readonly endsAt: number;
}

/** A passage with its places in the rankings, from 1. Null: the ranking has not found it. */
export interface RankedPassage extends PlacedPassage {
  readonly score: number;
  readonly lexicalRank: number | null;
  readonly vectorRank: number | null;
  readonly similarity: number | null;
}

/** How little the first places of a ranking count more than the next: the usual constant. */
const rankConstant = 60;

/**
 * Fuses two rankings by the places of passages in them, since their scores cannot be compared: reciprocal rank fusion
 * (Cormack, Clarke and Büttcher 2009).
 *
 * @returns the best first
 */
export function fuse(
  byWords: readonly PlacedPassage[],
  byVectors: readonly (PlacedPassage & { readonly similarity: number })[],
): RankedPassage[] {
  const fused = new Map<string, RankedPassage>();
  const scoreOf = (rank: number) => 1 / (rankConstant + rank);
  for (const [index, { articleId, number, version, startsAt, endsAt }] of byWords.entries()) {
    const places = { score: scoreOf(index + 1), lexicalRank: index + 1, vectorRank: null, similarity: null };
    fused.set(`${articleId}#${number}`, { articleId, number, version, startsAt, endsAt, ...places });
  }
  for (const [index, { similarity, ...passage }] of byVectors.entries()) {
    const key = `${passage.articleId}#${passage.number}`;
    const known = fused.get(key) ?? { ...passage, score: 0, lexicalRank: null };
    fused.set(key, { ...known, score: known.score + scoreOf(index + 1), vectorRank: index + 1, similarity });
  }
  return [...fused.values()].sort((one, other) => other.score - one.score);
}
