import type { ListedArticle } from '../../database/knowledge-listing.ts';
import type { RulesFormat } from './render-rules.ts';

/** Shows articles as a table, or as JSON. */
export function renderArticles(articles: readonly ListedArticle[], format: RulesFormat): string {
  if (format === 'json') return `${JSON.stringify({ articles: articles.map(toJson) })}\n`;
  if (articles.length === 0) return 'There are no articles.\n';
  const head = ['ORGANIZATION', 'ARTICLE', 'STATUS', 'INDEXED', 'LANGUAGE', 'CATEGORY', 'VERSION', 'CHANGED'];
  return align([head, ...articles.map(toCells)]);
}

function toJson({ articleId, updatedAt, ...article }: ListedArticle) {
  const { organization, version, status, language, category, passages, waiting } = article;
  return {
    ...{ organization, article_id: articleId, version, status, indexed: isIndexed(article), passages, waiting },
    ...{ language, category, updated_at: updatedAt.toISOString() },
  };
}

function isIndexed({ status, waiting }: Pick<ListedArticle, 'status' | 'waiting'>): boolean {
  return status === 'published' && waiting === 0;
}

function toCells(article: ListedArticle): string[] {
  const { organization, articleId, version, status, language, category, passages, waiting, updatedAt } = article;
  const indexed = status === 'published' ? `${passages - waiting}/${passages}` : '';
  const changed = updatedAt.toISOString().replace(/\.\d+Z$/, 'Z');
  return [organization, articleId, status, indexed, language, category ?? '', String(version), changed].map(toLine);
}

/** Nothing in it may move the cursor. */
function toLine(text: string): string {
  return text.replaceAll(/\p{C}/gu, '\ufffd');
}

function align(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd((widths[column] ?? 0) + 3)).join('');
  return `${rows.map((row) => line(row).trimEnd()).join('\n')}\n`;
}
