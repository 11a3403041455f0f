import { countIndex, type IndexCounts, type IndexUse, listNotIndexed } from '../../../database/knowledge-vectors.ts';
import type { Queryable } from '../../../database/queryable.ts';
import type { Article } from '../../../knowledge/article.ts';
import { knowledgeSettingsOf } from '../../../knowledge/settings.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { GovernanceContext } from '../context.ts';

/** An article, and whether searches find all of it by everything that the organization searches by. */
export interface FiledArticle extends Article {
  readonly isIndexed: boolean;
}

/** How far the index is, and by which model its vectors are. */
export interface IndexState extends IndexCounts {
  /** Null: the organization has no vectors. */
  readonly embeddingModel: string | null;
}

/** Says of each article whether it is in the index. */
export async function noteIndexed<A extends Article>(
  db: Queryable,
  snapshot: Snapshot,
  articles: readonly A[],
): Promise<(A & FiledArticle)[]> {
  const published = articles.filter(({ status }) => status === 'published').map(({ id }) => id);
  const lacking =
    published.length > 0 ? await listNotIndexed(db, snapshot.organizationId, useOf(snapshot), published) : [];
  const lacks = new Set(lacking);
  return articles.map((article) => ({
    ...article,
    isIndexed: article.status === 'published' && !lacks.has(article.id),
  }));
}

/** Reads how far the index is. Everybody may. */
export async function readIndexState({
  inForce,
  store,
}: Pick<GovernanceContext, 'inForce' | 'store'>): Promise<IndexState> {
  const { snapshot } = inForce();
  const counts = await store.run((db) => countIndex(db, snapshot.organizationId, useOf(snapshot)));
  return { ...counts, embeddingModel: snapshot.spec.knowledgeBase?.embedding?.model ?? null };
}

function useOf({ spec }: Snapshot): IndexUse {
  const { isSearchable, embedding } = knowledgeSettingsOf(spec);
  return { hasWords: isSearchable, space: embedding?.space ?? null };
}
