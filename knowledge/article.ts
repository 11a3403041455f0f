import { type Envelope, EnvelopeError } from '../database/envelope.ts';
import type { ArticleRow, ArticleStatus } from '../database/knowledge.ts';

/** What an article says. All of it is sealed, with its version. */
export interface ArticleText {
  readonly title: string;
  /** Markdown. */
  readonly content: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** An article of the knowledge base. */
export interface Article extends ArticleText {
  readonly id: string;
  readonly version: number;
  readonly status: ArticleStatus;
  /** ISO 639-1. */
  readonly language: string;
  readonly category: string | null;
  readonly tags: readonly string[];
  /** The file that states it, so that only the file changes it. Null: callers of the API write it. */
  readonly resource: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What a version seals: also how the article was filed then. */
export type SealedArticle = Omit<Article, 'id' | 'version' | 'resource' | 'createdAt' | 'updatedAt'>;

const placeOf = (organizationId: string, articleId: string, version: number) => ({
  organizationId,
  column: 'knowledge_versions.article',
  rowId: `${articleId}/${version}`,
});

export function sealArticle(
  envelope: Envelope,
  organizationId: string,
  id: string,
  version: number,
  article: SealedArticle,
): Buffer {
  const { title, content, metadata, status, language, category, tags } = article;
  const text = JSON.stringify({ title, content, metadata, status, language, category, tags });
  return envelope.seal(placeOf(organizationId, id, version), text);
}

const lost: ArticleText = { title: '', content: '', metadata: {} };

/** Opens an article. One whose data key is lost is shown without its text. */
export function openArticle(envelope: Envelope, organizationId: string, row: ArticleRow): Article {
  const { articleId: id, version, status, language, category, tags, sealed, resource, createdAt, updatedAt } = row;
  const filed = { id, version, status, language, category, tags, resource, createdAt, updatedAt };
  try {
    const text = envelope.open(placeOf(organizationId, id, version), sealed).toString();
    return { ...lost, ...filed, ...JSON.parse(text) };
  } catch (error) {
    if (error instanceof EnvelopeError) return { ...lost, ...filed };
    throw error;
  }
}
