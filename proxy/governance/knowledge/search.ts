import type { CallContext } from '../../calls/context.ts';
import { findPassages, type Retrieval, type RetrievalContext } from './find-passages.ts';
import { type FiledArticle, noteIndexed } from './index-state.ts';

/** An article that a search has found, by its best passage. */
export interface FoundArticle {
  readonly article: FiledArticle;
  readonly passage: string;
  /** Higher is better. Scores of two searches are not comparable. */
  readonly score: number;
}

export interface ArticleSearch extends Pick<Retrieval, 'by' | 'fallback'> {
  readonly articles: readonly FoundArticle[];
}

/**
 * Finds the published articles that answer a question best, each by its best passage. Everybody may.
 *
 * @throws {ProxyError} `store_unavailable`
 */
export async function searchArticles(
  context: RetrievalContext,
  call: CallContext,
  question: string,
  limit: number,
): Promise<ArticleSearch> {
  const { passages, ...how } = await findPassages(context, call, question, { limit, perArticle: 1 });
  const { snapshot } = context.inForce();
  const found = passages.map(({ article }) => article);
  const filed = await context.store.run((db) => noteIndexed(db, snapshot, found));
  const articles = filed.flatMap((article, at) => {
    const passage = passages[at];
    return passage ? [{ article, passage: passage.text, score: passage.score }] : [];
  });
  return { ...how, articles };
}
