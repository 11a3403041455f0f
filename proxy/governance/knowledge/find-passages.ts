import { setTimeout as delay } from 'node:timers/promises';
import { findArticleVersions } from '../../../database/knowledge.ts';
import { searchPassages } from '../../../database/knowledge-passages.ts';
import type { Queryable } from '../../../database/queryable.ts';
import { type Article, openArticle } from '../../../knowledge/article.ts';
import { foldWords } from '../../../knowledge/fold.ts';
import { type EmbeddingModel, knowledgeSettingsOf } from '../../../knowledge/settings.ts';
import type { CallContext } from '../../calls/context.ts';
import { type ProblemCode, ProxyError, problems } from '../../error.ts';
import type { GovernanceContext } from '../context.ts';
import { embedQuestion } from './embed-question.ts';
import { fuse, type RankedPassage } from './fuse.ts';
import { searchVectors } from './search-vectors.ts';

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
  /** By reciprocal rank fusion. Higher is better; only to compare within one retrieval. */
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

/** How long a search waits for the question's vector where it can do without. The call goes on, and is recorded. */
const patienceMs = 5_000;
/** How many passages of each ranking are fused. */
const rankedPassages = 200;
/** Where nothing is fused, so many are enough for each one that is wanted: others are of an article that has enough. */
const rankedForEach = 16;

/**
 * Finds the passages of published articles that answer a question best, in any language. Everybody may. The caller is who
 * pays for the question's vector, where the organization names an embedding model: a governed call of its own. Where that
 * fails, the words alone decide.
 *
 * @throws {ProxyError} `store_unavailable`; where the organization has no words in clear, also as any call
 */
export async function findPassages(
  context: RetrievalContext,
  call: CallContext,
  question: string,
  { limit, perArticle = Number.POSITIVE_INFINITY }: RetrievalOptions,
): Promise<Retrieval> {
  const { inForce, store } = context;
  const { snapshot } = inForce();
  const { isSearchable, embedding } = knowledgeSettingsOf(snapshot.spec);
  const ranked = embedding ? rankedPassages : Math.min(rankedPassages, limit * rankedForEach);
  const asking = embedding && embedPatiently(context, call, question, embedding, isSearchable);
  const byWords = isSearchable
    ? await store.run((db) => searchPassages(db, snapshot.organizationId, foldWords(question), ranked))
    : [];
  const embedded = await asking;
  const byVectors =
    embedding && embedded?.vector
      ? await searchVectors(
          { store, envelope: inForce().envelope },
          snapshot.organizationId,
          embedding.space,
          embedded.vector,
        )
      : [];
  const best = fuse(byWords, byVectors).filter(makeArticleLimit(perArticle)).slice(0, limit);
  const passages = await store.run((db) => openPassages({ inForce }, db, best));
  return { passages, by: sourceOf(isSearchable, embedded?.vector !== undefined), fallback: embedded?.fallback ?? null };
}

interface EmbeddedQuestion {
  /** Undefined where the search goes on without it. */
  readonly vector?: Float32Array | undefined;
  readonly fallback: Retrieval['fallback'];
}

/** Embeds a question; where the words can answer it, without a failure and not for long. */
function embedPatiently(
  context: RetrievalContext,
  call: CallContext,
  question: string,
  embedding: EmbeddingModel,
  isSearchable: boolean,
): Promise<EmbeddedQuestion> {
  const asked = embedQuestion(context, call, question, embedding).then(
    (vector): EmbeddedQuestion => ({ vector, fallback: null }),
  );
  if (!isSearchable) {
    // Whoever awaits it hears of a failure, perhaps later.
    asked.catch(() => {});
    return asked;
  }
  const failed = asked.catch((error: unknown): EmbeddedQuestion => {
    if (!(error instanceof ProxyError)) throw error;
    return { fallback: { code: error.code, message: problems[error.code].message } };
  });
  failed.catch(() => {});
  const late: EmbeddedQuestion = {
    fallback: { code: 'upstream_timeout', message: problems.upstream_timeout.message },
  };
  return Promise.race([failed, delay(patienceMs, late, { ref: false })]);
}

function sourceOf(hasWords: boolean, hasVectors: boolean): Retrieval['by'] {
  if (!hasVectors) return 'words';
  return hasWords ? 'words_and_vectors' : 'vectors';
}

/** Makes a filter that lets the first passages of each article through. */
function makeArticleLimit(perArticle: number): (passage: RankedPassage) => boolean {
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
  const opened = published.map((row) => openArticle(envelope, organizationId, row));
  const articles = new Map(opened.map((article) => [article.id, article]));
  return ranked.flatMap(({ articleId, number, version, startsAt, endsAt, ...places }) => {
    const article = articles.get(articleId);
    if (article?.version !== version) return [];
    return [
      { id: `${articleId}#${number}`, article, number, text: article.content.slice(startsAt, endsAt), ...places },
    ];
  });
}
