import type { Envelope } from '../database/envelope.ts';
import { insertPassages, removePassages, removePassagesOf } from '../database/knowledge-passages.ts';
import type { Queryable } from '../database/queryable.ts';
import type { Article } from './article.ts';
import { foldWords } from './fold.ts';
import { makeTextDigest, passageText } from './passage-text.ts';
import { cutPassages } from './passages.ts';
import type { KnowledgeSettings } from './settings.ts';

export interface IndexingOptions {
  readonly organizationId: string;
  readonly envelope: Pick<Envelope, 'lastingKey'>;
  readonly settings: Pick<KnowledgeSettings, 'isSearchable'>;
  /** Whether `db` is the owner's connection. Absent: it has the organization's own login. */
  readonly asOwner?: boolean;
}

/** Makes the index what an article says now: a published one is there, a draft is not. Its vectors are a worker's to make. */
export async function indexArticle(
  db: Queryable,
  { organizationId, envelope, settings, asOwner = false }: IndexingOptions,
  article: Article,
): Promise<void> {
  const { id: articleId, version, status, language, content, category, tags } = article;
  await (asOwner ? removePassagesOf(db, organizationId, articleId) : removePassages(db, articleId));
  if (status !== 'published') return;
  const hasWords = settings.isSearchable;
  const wordsOf = (text: string) => (hasWords ? foldWords(text) : '');
  const digestOf = makeTextDigest(envelope, organizationId);
  const filed = [category ?? '', ...tags].map((words) => words.replaceAll(/[-_]/g, ' '));
  const passages = cutPassages(content).map((passage) => ({
    startsAt: passage.startsAt,
    endsAt: passage.endsAt,
    text: wordsOf(content.slice(passage.startsAt, passage.endsAt)),
    headings: wordsOf([...filed, ...passage.headings].join(' . ')),
    digest: digestOf(passageText(article, passage)).toString('hex'),
  }));
  const title = wordsOf(article.title);
  await insertPassages(db, organizationId, { articleId, version, language, hasWords, title, passages });
}
