import { findArticleVersions } from '../../../database/knowledge.ts';
import { type FoundPassage, searchPassages } from '../../../database/knowledge-passages.ts';
import type { Queryable } from '../../../database/queryable.ts';
import type { CallContext } from '../../calls/context.ts';
import type { ProblemCode } from '../../error.ts';
import type { GovernanceContext } from '../context.ts';
import { type Article, openArticle } from './article.ts';
import { foldWords } from './fold.ts';

export type RetrievalContext = Pick<GovernanceContext, 'inForce' | 'store' | 'pipeline'>;

/** A passage of a published article that may answer a question. */
export interface RetrievedPassage {
  /** `<article id>#<number>`. */
  readonly id: string;
  readonly article: Article;
  /** Its place in the article, from 0. */
  readonly number: number;
  /** Markdown. */
  readonly text: string;
  /** By reciprocal rank fusion (Cormack, Clarke and Büttcher 2009). Higher is better; only to compare within one retrieval. */
  readonly score: number;
  /** Its place, from 1, among those that the words find. Null: they do not. */
  readonly lexicalRank: number | null;
  /** Its place, from 1, among those that the vectors find. Null: they do not. */
  readonly vectorRank: number | null;
  /** The cosine between its vector and the question's, from -1 to 1. Null where the organization uses no vectors. */
  readonly similarity: number | null;
}

/** What a search has found, and how. */
export interface Retrieval {
  /** The best first. */
  readonly passages: readonly RetrievedPassage[];
  /** Which rankings it comes from. */
  readonly by: 'words' | 'vectors' | 'words_and_vectors';
  /** Why the organization's embedding model was not used. Null: it was, or there is none. */
  readonly fallback: { readonly code: ProblemCode; readonly message: string } | null;
}

export interface RetrievalOptions {
  /** How many passages at most. */
  readonly limit: number;
  /** How many of one article at most. Absent: all. */
  readonly perArticle?: number;
}

/** A passage with its places in the rankings. */
type RankedPassage = FoundPassage & Pick<RetrievedPassage, 'score' | 'lexicalRank' | 'vectorRank' | 'similarity'>;

/** How much a place in a ranking counts: the usual constant of reciprocal rank fusion. */
const rankConstant = 60;
/** Enough that the best articles are among them where each has several good passages. */
const foundPerWanted = 5;

/**
 * Finds the passages of published articles that answer a question best, in any language. Everybody may. The caller is who
 * pays for the question's vector, where the organization names an embedding model: a governed call of its own.
 *
 * @throws {ProxyError} `store_unavailable`
 */
export async function findPassages(
  { inForce, store }: RetrievalContext,
  _call: CallContext,
  question: string,
  { limit, perArticle = Number.POSITIVE_INFINITY }: RetrievalOptions,
): Promise<Retrieval> {
  const { organizationId } = inForce().snapshot;
  return store.run(async (db) => {
    const found = await searchPassages(db, organizationId, foldWords(question), limit * foundPerWanted);
    const ranked = found.map((passage, index) => ({
      ...passage,
      ...{ score: 1 / (rankConstant + index + 1), lexicalRank: index + 1, vectorRank: null, similarity: null },
    }));
    const best = ranked.filter(makeArticleLimit(perArticle)).slice(0, limit);
    return { passages: await openPassages({ inForce }, db, best), by: 'words', fallback: null };
  });
}

/** Makes a filter that lets the first passages of each article through. */
function makeArticleLimit(perArticle: number): (passage: FoundPassage) => boolean {
  const counts = new Map<string, number>();
  return ({ articleId }) => {
    const count = (counts.get(articleId) ?? 0) + 1;
    counts.set(articleId, count);
    return count <= perArticle;
  };
}

/** Leaves out those whose article was deleted or withdrawn since. */
async function openPassages(
  { inForce }: Pick<RetrievalContext, 'inForce'>,
  db: Queryable,
  ranked: readonly RankedPassage[],
): Promise<RetrievedPassage[]> {
  const { snapshot, envelope } = inForce();
  const { organizationId } = snapshot;
  const wanted = new Map(ranked.map(({ articleId, version }) => [articleId, { articleId, version }]));
  const rows = await findArticleVersions(db, organizationId, [...wanted.values()]);
  const published = rows.filter(({ status }) => status === 'published');
  const articles = new Map(published.map((row) => [row.articleId, openArticle(envelope, organizationId, row)]));
  return ranked.flatMap(({ articleId, number, version, startsAt, endsAt, ...places }) => {
    const article = articles.get(articleId);
    if (article?.version !== version) return [];
    return [
      { id: `${articleId}#${number}`, article, number, text: article.content.slice(startsAt, endsAt), ...places },
    ];
  });
}
