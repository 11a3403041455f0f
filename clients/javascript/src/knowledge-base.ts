import type { RequestOptions } from './options.ts';
import type { Transport } from './transport.ts';

export type ArticleStatus = 'draft' | 'published';

/** Fields of an article that an update may have. What is left out stays as it is. */
export interface ArticleChange {
  readonly title?: string | undefined;
  /** Markdown. */
  readonly content?: string | undefined;
  readonly category?: string | null | undefined;
  readonly tags?: readonly string[] | undefined;
  /** Further facts. Its names stay as they are. */
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  /** Answers come from published articles only. */
  readonly status?: ArticleStatus | undefined;
  /** ISO 639-1. */
  readonly language?: string | undefined;
}

export interface NewArticle extends ArticleChange {
  readonly title: string;
  readonly content: string;
}

export interface SavedArticle {
  readonly articleId: string;
  readonly version: number;
  readonly status: ArticleStatus;
  /** Whether searches find all of it. */
  readonly indexed: boolean;
  readonly language: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export interface ArticleSummary extends SavedArticle {
  readonly title: string;
  readonly category: string | null;
  readonly tags: readonly string[];
}

export interface Article extends ArticleSummary {
  readonly content: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface ArticleFilter {
  readonly status?: ArticleStatus | undefined;
  readonly language?: string | undefined;
  readonly category?: string | undefined;
  readonly tag?: string | undefined;
  readonly limit?: number | undefined;
  readonly offset?: number | undefined;
}

export interface ArticlePage {
  readonly articles: readonly ArticleSummary[];
  readonly total: number;
  readonly limit: number;
  readonly offset: number;
  /** How far the index is, of all articles. */
  readonly index: {
    readonly published: number;
    readonly indexed: number;
    readonly passages: number;
    readonly refused: number;
    readonly embeddingModel: string | null;
  };
}

export interface SearchResult extends ArticleSummary {
  /** The part of the article that answers best. */
  readonly passage: string;
  /** Higher is better; only to compare results of one search. */
  readonly score: number;
}

export interface SearchResults {
  readonly results: readonly SearchResult[];
  readonly rankedBy: 'words' | 'vectors' | 'words_and_vectors';
  readonly fallback: { readonly code: string; readonly message: string } | null;
}

export interface ArticleVersion {
  readonly version: number;
  readonly createdAt: string;
}

const root = '/knowledge-base';
const at = (articleId: string) => `${root}/${encodeURIComponent(articleId)}`;

/** The articles that answers come from. */
export class KnowledgeBase {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Adds an article. The next answer may come from it. */
  add(article: NewArticle, options?: RequestOptions): Promise<SavedArticle> {
    return this.#transport.send({ method: 'POST', path: root, body: article }, options);
  }

  /** Changes an article. The former version is kept. */
  update(articleId: string, change: ArticleChange, options?: RequestOptions): Promise<SavedArticle> {
    return this.#transport.send({ method: 'POST', path: root, body: { ...change, articleId } }, options);
  }

  /** Lists articles, those that were changed last first. */
  list(filter: ArticleFilter = {}, options?: RequestOptions): Promise<ArticlePage> {
    return this.#transport.send({ method: 'GET', path: root, query: filter }, options);
  }

  /** Gets an article, or an earlier version of it. */
  get(articleId: string, query: { readonly version?: number } = {}, options?: RequestOptions): Promise<Article> {
    return this.#transport.send({ method: 'GET', path: at(articleId), query }, options);
  }

  /** Lists when the versions of an article were written, the latest first. */
  versions(articleId: string, options?: RequestOptions): Promise<{ readonly versions: readonly ArticleVersion[] }> {
    return this.#transport.send({ method: 'GET', path: `${at(articleId)}/versions` }, options);
  }

  /** Finds the published articles that answer a question best. */
  search(query: string, { limit }: { readonly limit?: number } = {}, options?: RequestOptions): Promise<SearchResults> {
    const body = { query, ...(limit !== undefined && { limit }) };
    return this.#transport.send({ method: 'POST', path: `${root}/search`, body }, options);
  }

  /**
   * Deletes an article with all versions.
   *
   * @throws {NotFoundError} also where an attempt before has deleted it, and the connection broke before its answer
   */
  delete(articleId: string, options?: RequestOptions): Promise<{ readonly articleId: string; readonly deleted: true }> {
    return this.#transport.send({ method: 'DELETE', path: at(articleId) }, options);
  }
}
