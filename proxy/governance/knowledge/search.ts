import { findArticle } from '../../../database/knowledge.ts';
import { type FoundPassage, searchPassages } from '../../../database/knowledge-passages.ts';
import type { Caller } from '../../calls/call.ts';
import { type Article, openArticle } from './article.ts';
import type { KnowledgeContext } from './articles.ts';
import { foldWords } from './fold.ts';

/** An article that a search has found, by its best passage. */
export interface FoundArticle {
  readonly article: Article;
  readonly passage: string;
  /** Higher is better. Scores of two searches are not comparable. */
  readonly score: number;
}

/** Enough that the best articles are among them where each has several good passages. */
const passagesPerArticle = 5;

/**
 * Finds the published articles that say most of what a question asks for, the best first, in any language. Everybody may.
 *
 * @throws {ProxyError} `store_unavailable`
 */
export async function searchArticles(
  { inForce, store }: KnowledgeContext,
  _caller: Caller,
  question: string,
  limit: number,
): Promise<readonly FoundArticle[]> {
  const { snapshot, envelope } = inForce();
  const { organizationId } = snapshot;
  return store.run(async (db) => {
    const passages = await searchPassages(db, organizationId, foldWords(question), limit * passagesPerArticle);
    const found: FoundArticle[] = [];
    for (const { articleId, version, startsAt, endsAt, score } of bestOfArticles(passages).slice(0, limit)) {
      const row = await findArticle(db, organizationId, articleId, version);
      // It may have been deleted or withdrawn since.
      if (row?.status !== 'published') continue;
      const article = openArticle(envelope, organizationId, row);
      found.push({ article, passage: article.content.slice(startsAt, endsAt), score });
    }
    return found;
  });
}

function bestOfArticles(passages: readonly FoundPassage[]): readonly FoundPassage[] {
  const best = new Map<string, FoundPassage>();
  for (const passage of passages) if (!best.has(passage.articleId)) best.set(passage.articleId, passage);
  return [...best.values()];
}
