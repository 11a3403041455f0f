import type { Queryable } from './queryable.ts';

/** An article that a file states. All functions here need the owner's connection. */
export interface StatedArticle {
  readonly articleId: string;
  /** The file. */
  readonly resource: string;
  /** A keyed digest of what the file said. */
  readonly sourceDigest: Buffer;
  readonly version: number;
}

/** Lists the articles of an organization that files state. */
export async function listStatedArticles(db: Queryable, organizationId: string): Promise<StatedArticle[]> {
  const { rows } = await db.query<StatedArticle>(
    `select article_id as "articleId", resource, source_digest as "sourceDigest", version
     from chaperone.knowledge_articles
     where organization_id = $1::uuid and resource is not null`,
    [organizationId],
  );
  return rows;
}

/** Notes which file states an article. */
export async function noteStatedArticle(
  db: Queryable,
  organizationId: string,
  { articleId, resource, sourceDigest }: Omit<StatedArticle, 'version'>,
): Promise<void> {
  await db.query(
    `update chaperone.knowledge_articles set resource = $3::text, source_digest = $4::bytea
     where organization_id = $1::uuid and article_id = $2::text`,
    [organizationId, articleId, resource, sourceDigest],
  );
}

/** Deletes an article with all versions, passages and vectors. */
export async function deleteArticleOf(db: Queryable, organizationId: string, articleId: string): Promise<void> {
  await db.query('select chaperone.delete_article_of($1::uuid, $2::text)', [organizationId, articleId]);
}
