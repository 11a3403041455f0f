import { findPublishedArticles } from '../../../database/knowledge.ts';
import { openArticle } from '../../../knowledge/article.ts';
import type { KnowledgeContext } from './articles.ts';

/** An article that an answer comes from, as whoever gets the answer may see it. */
export interface SourceArticle {
  readonly id: string;
  readonly title: string;
  /** Where the organization shows it. Null: its metadata does not say it. */
  readonly url: string | null;
}

/**
 * Names articles, as they are now. Those that are published no longer are left out. An answer counts more than the names of
 * its sources: while the database cannot be reached, there are none.
 */
export async function nameArticles(
  { inForce, store }: KnowledgeContext,
  ids: readonly string[],
): Promise<ReadonlyMap<string, SourceArticle>> {
  if (ids.length === 0) return new Map();
  const { snapshot, envelope } = inForce();
  const { organizationId } = snapshot;
  const rows = await store.run((db) => findPublishedArticles(db, organizationId, ids)).catch(() => []);
  return new Map(
    rows.map((row) => {
      const { id, title, metadata } = openArticle(envelope, organizationId, row);
      return [id, { id, title, url: readUrl(metadata.url) }];
    }),
  );
}

/** Whoever shows an answer makes a link of it. */
function readUrl(url: unknown): string | null {
  if (typeof url !== 'string' || !URL.canParse(url)) return null;
  return /^https?:$/.test(new URL(url).protocol) ? url : null;
}
