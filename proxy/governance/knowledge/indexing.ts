import { insertPassages, removePassages } from '../../../database/knowledge-passages.ts';
import type { Queryable } from '../../../database/queryable.ts';
import type { Article } from './article.ts';
import { foldWords } from './fold.ts';
import { cutPassages } from './passages.ts';

/** Makes the index what an article says now: a published one is there, a draft is not. */
export async function indexArticle(db: Queryable, organizationId: string, article: Article): Promise<void> {
  const { id: articleId, version, status, language, content, category, tags } = article;
  if (version > 1) await removePassages(db, articleId);
  if (status !== 'published') return;
  const filed = [category ?? '', ...tags].map((words) => words.replaceAll(/[-_]/g, ' '));
  const passages = cutPassages(content).map(({ startsAt, endsAt, headings }) => ({
    startsAt,
    endsAt,
    text: foldWords(content.slice(startsAt, endsAt)),
    headings: foldWords([...filed, ...headings].join(' . ')),
  }));
  await insertPassages(db, organizationId, { articleId, version, language, title: foldWords(article.title), passages });
}
