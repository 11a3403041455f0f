import { statementName } from './client.ts';
import type { Queryable } from './queryable.ts';

export type ArticleStatus = 'draft' | 'published';

/** An article of the knowledge base, with the text of one of its versions. */
export interface ArticleRow {
  readonly articleId: string;
  readonly version: number;
  readonly status: ArticleStatus;
  /** ISO 639-1. */
  readonly language: string;
  readonly category: string | null;
  readonly tags: readonly string[];
  /** The whole article as JSON, sealed for `knowledge_versions.article`; the row id is `articleId/version`. */
  readonly sealed: Uint8Array;
  /** The file that states it. Null: callers of the API write it. */
  readonly resource: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export type ArticleWrite = Omit<ArticleRow, 'createdAt' | 'updatedAt' | 'resource'>;

const columns = `a.article_id as "articleId", v.version, a.status, a.language, a.category, a.tags,
  v.article_encrypted as sealed, a.resource, a.created_at as "createdAt", a.updated_at as "updatedAt"`;

/** Stores a version of an article: the first one, or the next one. */
export async function writeArticle(
  db: Queryable,
  organizationId: string,
  { articleId, version, status, language, category, tags, sealed }: ArticleWrite,
): Promise<Pick<ArticleRow, 'createdAt' | 'updatedAt'>> {
  const { rows } = await db.query<Pick<ArticleRow, 'createdAt' | 'updatedAt'>>(
    `with version as (
       insert into chaperone.knowledge_versions (organization_id, article_id, version, article_encrypted)
       values ($1::uuid, $2::text, $3::integer, $8::bytea)
     )
     insert into chaperone.knowledge_articles as a
       (organization_id, article_id, version, status, language, category, tags)
     values ($1::uuid, $2::text, $3::integer, $4::text, $5::text, $6::text, $7::text[])
     on conflict (organization_id, article_id) do update
       set version = excluded.version, status = excluded.status, language = excluded.language,
         category = excluded.category, tags = excluded.tags, updated_at = clock_timestamp()
     returning a.created_at as "createdAt", a.updated_at as "updatedAt"`,
    [organizationId, articleId, version, status, language, category, tags, sealed],
  );
  const [row] = rows;
  if (!row) throw new Error('the article was not stored');
  return row;
}

/** Keeps others from changing an article until the transaction ends. @returns whether there is one */
export async function lockArticle(db: Queryable, organizationId: string, articleId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `select from chaperone.knowledge_articles
     where organization_id = $1::uuid and article_id = $2::text
     for update`,
    [organizationId, articleId],
  );
  return rowCount === 1;
}

/** Finds an article. @param version undefined: the latest one */
export async function findArticle(
  db: Queryable,
  organizationId: string,
  articleId: string,
  version?: number,
): Promise<ArticleRow | undefined> {
  const { rows } = await db.query<ArticleRow>(
    `select ${columns}
     from chaperone.knowledge_articles a
       join chaperone.knowledge_versions v
         on v.organization_id = a.organization_id and v.article_id = a.article_id
           and v.version = coalesce($3::integer, a.version)
     where a.organization_id = $1::uuid and a.article_id = $2::text`,
    [organizationId, articleId, version ?? null],
  );
  return rows[0];
}

/** Finds articles, each with the text of the version that is asked for. */
export async function findArticleVersions(
  db: Queryable,
  organizationId: string,
  asked: readonly Pick<ArticleRow, 'articleId' | 'version'>[],
): Promise<ArticleRow[]> {
  const { rows } = await db.query<ArticleRow>({
    name: statementName(db, 'find-article-versions'),
    text: `select ${columns}
     from unnest($2::text[], $3::integer[]) as asked (article_id, version)
       join chaperone.knowledge_articles a
         on a.organization_id = $1::uuid and a.article_id = asked.article_id
       join chaperone.knowledge_versions v
         on v.organization_id = $1::uuid and v.article_id = asked.article_id and v.version = asked.version`,
    values: [organizationId, asked.map(({ articleId }) => articleId), asked.map(({ version }) => version)],
  });
  return rows;
}

/** Finds those of these articles that are published, each with its latest text. */
export async function findPublishedArticles(
  db: Queryable,
  organizationId: string,
  articleIds: readonly string[],
): Promise<ArticleRow[]> {
  const { rows } = await db.query<ArticleRow>({
    name: statementName(db, 'find-published-articles'),
    text: `select ${columns}
     from chaperone.knowledge_articles a
       join chaperone.knowledge_versions v
         on v.organization_id = a.organization_id and v.article_id = a.article_id and v.version = a.version
     where a.organization_id = $1::uuid and a.article_id = any ($2::text[]) and a.status = 'published'`,
    values: [organizationId, articleIds],
  });
  return rows;
}

/** Whether an organization has an article. */
export async function hasArticles(db: Queryable, organizationId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    'select from chaperone.knowledge_articles where organization_id = $1::uuid limit 1',
    [organizationId],
  );
  return rowCount === 1;
}

/** Which articles are asked for. Null: all. */
export interface ArticleFilter {
  readonly status: ArticleStatus | null;
  readonly language: string | null;
  readonly category: string | null;
  readonly tag: string | null;
}

const isSelected = `a.organization_id = $1::uuid and ($2::text is null or a.status = $2::text)
  and ($3::text is null or a.language = $3::text) and ($4::text is null or a.category = $4::text)
  and ($5::text is null or $5::text = any (a.tags))`;

/** Lists a page of articles, those that were changed last first, with the total count. */
export async function listArticles(
  db: Queryable,
  organizationId: string,
  { status, language, category, tag }: ArticleFilter,
  { limit, offset }: { readonly limit: number; readonly offset: number },
): Promise<{ articles: ArticleRow[]; total: number }> {
  const values = [organizationId, status, language, category, tag];
  const { rows: articles } = await db.query<ArticleRow>(
    `select ${columns}
     from chaperone.knowledge_articles a
       join chaperone.knowledge_versions v
         on v.organization_id = a.organization_id and v.article_id = a.article_id and v.version = a.version
     where ${isSelected}
     order by a.updated_at desc, a.article_id
     limit $6::integer offset $7::integer`,
    [...values, limit, offset],
  );
  const { rows } = await db.query<{ total: number }>(
    `select count(*)::integer as total from chaperone.knowledge_articles a where ${isSelected}`,
    values,
  );
  return { articles, total: rows[0]?.total ?? 0 };
}

export interface ArticleVersion {
  readonly version: number;
  readonly createdAt: Date;
}

/** Lists the versions of an article, the latest first. */
export async function listArticleVersions(
  db: Queryable,
  organizationId: string,
  articleId: string,
): Promise<ArticleVersion[]> {
  const { rows } = await db.query<ArticleVersion>(
    `select version, created_at as "createdAt"
     from chaperone.knowledge_versions
     where organization_id = $1::uuid and article_id = $2::text
     order by version desc`,
    [organizationId, articleId],
  );
  return rows;
}

/** Deletes an article with all versions and passages. Lock it first. @param db the organization's own login */
export async function deleteArticle(db: Queryable, articleId: string): Promise<void> {
  await db.query('select chaperone.delete_article($1::text)', [articleId]);
}
