import { diffFields, digestOf } from '../../../database/audit/diff.ts';
import { randomHex } from '../../../database/ids.ts';
import { addJob } from '../../../database/jobs.ts';
import {
  type ArticleRow,
  type ArticleStatus,
  type ArticleVersion,
  deleteArticle as deleteRow,
  findArticle,
  listArticleVersions,
  listArticles as listRows,
  lockArticle,
  writeArticle,
} from '../../../database/knowledge.ts';
import type { Queryable } from '../../../database/queryable.ts';
import { toStorable } from '../../../database/storable.ts';
import { type Article, openArticle, type SealedArticle, sealArticle } from '../../../knowledge/article.ts';
import { indexArticle } from '../../../knowledge/indexing.ts';
import { indexingJob, knowledgeSettingsOf } from '../../../knowledge/settings.ts';
import type { Caller } from '../../calls/call.ts';
import { ProxyError } from '../../error.ts';
import type { GovernanceContext } from '../context.ts';
import type { Listed, Page } from '../page.ts';
import { recorded } from '../recorded.ts';
import { admitRole, seesOrganization } from '../roles.ts';
import { type FiledArticle, noteIndexed } from './index-state.ts';

export type KnowledgeContext = Pick<GovernanceContext, 'inForce' | 'store'>;

/** An article as callers write it. In a change, an absent field stays as it is; in a new article, it has its default. */
export interface ArticleFields {
  readonly title?: string | undefined;
  readonly content?: string | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | undefined;
  readonly category?: string | null | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly status?: ArticleStatus | undefined;
  readonly language?: string | undefined;
}

/**
 * Writes an article, for an admin: a new one, or the next version of one. A published article is found by searches from
 * then on.
 *
 * @param id the article to change. Undefined: a new one, which needs a title and content
 * @throws {ProxyError} `role_required`, `invalid_request`, `article_not_found`, `store_unavailable`
 */
export async function saveArticle(
  context: KnowledgeContext,
  caller: Caller,
  id: string | undefined,
  fields: ArticleFields,
): Promise<FiledArticle> {
  admitRole(caller, 'admin');
  const { snapshot, envelope } = context.inForce();
  const { organizationId } = snapshot;
  const settings = knowledgeSettingsOf(snapshot.spec);
  const fresh = id === undefined ? { id: `kb_${randomHex(12)}`, article: complete(fields) } : undefined;
  const work = async (db: Queryable) => {
    const before = fresh ? undefined : await lockAndOpen(context, db, id ?? '');
    const article = before ? change(before, fields) : fresh?.article;
    if (!article) throw articleNotFound();
    const written = { id: before?.id ?? fresh?.id ?? '', version: (before?.version ?? 0) + 1 };
    const { status, language, category, tags } = article;
    const sealed = sealArticle(envelope, organizationId, written.id, written.version, article);
    const row = { articleId: written.id, version: written.version, status, language, category, tags, sealed };
    const times = await writeArticle(db, organizationId, row);
    const after: Article = { ...article, ...written, ...times, resource: null };
    await indexArticle(db, { organizationId, envelope, settings }, after);
    if (settings.embedding && after.status === 'published') await addJob(db, indexingJob);
    const [filed] = await noteIndexed(db, snapshot, [after]);
    return { before, after: filed ?? { ...after, isIndexed: false } };
  };
  const { after } = await recorded(context, caller, work, ({ before, after }) => ({
    action: before ? 'changed' : 'created',
    subject: `Article/${after.id}`,
    changes: diffFields('article', before && describe(before), describe(after)),
  }));
  return after;
}

/**
 * Gets an article: a published one, or any, for who sees the organization.
 *
 * @param version an earlier one, for who sees the organization. Undefined: the latest
 * @throws {ProxyError} `role_required`, `article_not_found`, `store_unavailable`
 */
export async function getArticle(
  { inForce, store }: KnowledgeContext,
  caller: Caller,
  id: string,
  version?: number,
): Promise<FiledArticle> {
  if (version !== undefined) admitRole(caller, 'analyst', 'reviewer');
  const { snapshot, envelope } = inForce();
  const { organizationId } = snapshot;
  return store.run(async (db) => {
    const row = await findArticle(db, organizationId, toStorable(id), version);
    if (!row || (row.status !== 'published' && !seesOrganization(caller))) throw articleNotFound();
    const article = openArticle(envelope, organizationId, row);
    const [filed] = await noteIndexed(db, snapshot, [article]);
    return filed ?? { ...article, isIndexed: false };
  });
}

/** Lists the versions of an article, the latest first, for who sees the organization. */
export async function listVersions(
  { inForce, store }: KnowledgeContext,
  caller: Caller,
  id: string,
): Promise<readonly ArticleVersion[]> {
  admitRole(caller, 'analyst', 'reviewer');
  const { organizationId } = inForce().snapshot;
  const versions = await store.run((db) => listArticleVersions(db, organizationId, toStorable(id)));
  if (versions.length === 0) throw articleNotFound();
  return versions;
}

/** Which articles are asked for. Absent: all. */
export interface ArticleQuestion {
  readonly status?: ArticleStatus | undefined;
  readonly language?: string | undefined;
  readonly category?: string | undefined;
  readonly tag?: string | undefined;
}

/**
 * Lists articles, those that were changed last first: the published ones, or any, for who sees the organization.
 *
 * @throws {ProxyError} `role_required` for drafts, `store_unavailable`
 */
export async function listArticles(
  { inForce, store }: KnowledgeContext,
  caller: Caller,
  { status, language, category, tag }: ArticleQuestion,
  page: Page,
): Promise<Listed<FiledArticle>> {
  if (status === 'draft') admitRole(caller, 'analyst', 'reviewer');
  const { snapshot, envelope } = inForce();
  const { organizationId } = snapshot;
  const filter = {
    status: status ?? (seesOrganization(caller) ? null : 'published'),
    language: language ?? null,
    category: category === undefined ? null : toStorable(category),
    tag: tag === undefined ? null : toStorable(tag),
  };
  return store.run(async (db) => {
    const { articles, total } = await listRows(db, organizationId, filter, page);
    const opened = articles.map((row) => openArticle(envelope, organizationId, row));
    return { items: await noteIndexed(db, snapshot, opened), total };
  });
}

/**
 * Deletes an article with all of its versions, for an admin.
 *
 * @throws {ProxyError} `role_required`, `article_not_found`, `store_unavailable`
 */
export async function deleteArticle(context: KnowledgeContext, caller: Caller, id: string): Promise<void> {
  admitRole(caller, 'admin');
  const { organizationId } = context.inForce().snapshot;
  const articleId = toStorable(id);
  const work = async (db: Queryable) => {
    await lockOwn(db, organizationId, articleId);
    await deleteRow(db, articleId);
  };
  await recorded(context, caller, work, () => ({ action: 'deleted', subject: `Article/${articleId}`, changes: [] }));
}

function articleNotFound(): ProxyError {
  return new ProxyError('article_not_found', { param: 'article_id' });
}

/** @throws {ProxyError} `article_not_found`; `owned_by_resource` where a file states it */
async function lockOwn(db: Queryable, organizationId: string, articleId: string): Promise<ArticleRow> {
  const row = (await lockArticle(db, organizationId, articleId))
    ? await findArticle(db, organizationId, articleId)
    : undefined;
  if (!row) throw articleNotFound();
  if (row.resource === null) return row;
  const message = `The article is stated by ${row.resource}; change it there`;
  throw new ProxyError('owned_by_resource', { message, details: { resource: row.resource } });
}

async function lockAndOpen({ inForce }: KnowledgeContext, db: Queryable, id: string): Promise<Article> {
  const { snapshot, envelope } = inForce();
  const { organizationId } = snapshot;
  return openArticle(envelope, organizationId, await lockOwn(db, organizationId, toStorable(id)));
}

const defaults = { metadata: {}, category: null, tags: [], status: 'published', language: 'en' } as const;

/** @throws {ProxyError} `invalid_request` */
function complete(fields: ArticleFields): SealedArticle {
  const { title, content } = fields;
  if (title === undefined) throw missing('title');
  if (content === undefined) throw missing('content');
  return change({ ...defaults, title, content }, fields);
}

function missing(field: string): ProxyError {
  return new ProxyError('invalid_request', {
    param: field,
    message: `Missing required field: ${field}`,
    details: { field, expected: 'string' },
  });
}

function change(before: SealedArticle, fields: ArticleFields): SealedArticle {
  const { category, tags } = fields;
  return {
    title: fields.title ?? before.title,
    content: fields.content ?? before.content,
    metadata: fields.metadata ?? before.metadata,
    category: category === undefined ? before.category : category && toStorable(category),
    tags: tags?.map(toStorable) ?? before.tags,
    status: fields.status ?? before.status,
    language: fields.language ?? before.language,
  };
}

/** What the audit log has of an article: of its text the digests. */
function describe({ title, content, metadata, category, tags, status, language }: SealedArticle): object {
  return {
    ...{ title: digestOf(title), content: digestOf(content), metadata: digestOf(JSON.stringify(metadata)) },
    ...{ category, tags, status, language },
  };
}
