import { type Static, Type } from 'typebox';
import {
  deleteArticle,
  getArticle,
  listArticles,
  listVersions,
  saveArticle,
} from '../../governance/knowledge/articles.ts';
import { type FiledArticle, readIndexState } from '../../governance/knowledge/index-state.ts';
import { searchArticles } from '../../governance/knowledge/search.ts';
import { readers } from '../../http/described.ts';
import { notBlank } from '../../http/not-blank.ts';
import { page, paging } from '../../http/paging.ts';
import { Nullable, Timestamp } from '../../http/schemas.ts';
import { route } from './route.ts';

const tags = ['Knowledge base'];
const articleId = Type.String({ maxLength: 64, description: 'The article’s id, which begins with `kb_`.' });
const params = Type.Object({ article_id: articleId });
const version = Type.Integer({ minimum: 1, maximum: 2_147_483_647, description: 'From 1.' });
const title = Type.String({ pattern: notBlank, maxLength: 500 });
const content = Type.String({ pattern: notBlank, maxLength: 500_000, description: 'Markdown.' });
const category = Type.String({ pattern: notBlank, maxLength: 200 });
const tag = Type.String({ pattern: notBlank, maxLength: 100 });
const metadata = Type.Record(Type.String(), Type.Unknown(), { description: 'Further facts; not searched.' });
const status = Type.Enum(['draft', 'published'], { description: 'Searches and answers use only what is published.' });
const language = Type.String({
  pattern: '^[a-z]{2}$',
  description: 'ISO 639-1, such as `en`: how its words are read.',
});
const score = Type.Number({ description: 'Higher is better; only to compare results of one search.' });

const Written = Type.Object(
  {
    article_id: Type.Optional(articleId),
    title: Type.Optional(title),
    content: Type.Optional(content),
    category: Type.Optional(Nullable(category)),
    tags: Type.Optional(Type.Array(tag, { maxItems: 100 })),
    metadata: Type.Optional(metadata),
    status: Type.Optional(status),
    language: Type.Optional(language),
  },
  {
    additionalProperties: false,
    example: {
      title: 'Password Reset Guide',
      content: 'Step-by-step instructions for resetting your password…',
      category: 'account-management',
      tags: ['password', 'security', 'login'],
      metadata: { author: 'support_team', last_updated: '2026-01-12' },
    },
  },
);

const filed = {
  article_id: articleId,
  version,
  status,
  indexed: Type.Boolean({
    description:
      'Whether searches find it by all that the organization searches by: its words, and the vectors of its passages.',
  }),
  language,
  created_at: Timestamp,
  updated_at: Timestamp,
};

const listed = {
  ...filed,
  title: Type.String(),
  category: Nullable(Type.String()),
  tags: Type.Array(Type.String()),
};

const IndexState = Type.Object(
  {
    published: Type.Integer({ description: 'Published articles.' }),
    indexed: Type.Integer({ description: 'Those of them that are wholly in the index.' }),
    passages: Type.Integer({ description: 'The parts that they are cut into.' }),
    refused: Type.Integer({ description: 'Passages that the embedding model refuses; words still find them.' }),
    embedding_model: Nullable(Type.String({ description: 'What makes the vectors. Null: there are none.' })),
  },
  { description: 'How far the index is, of all articles.' },
);

const fallback = Nullable(
  Type.Object(
    { code: Type.String(), message: Type.String() },
    { description: 'Why the question has no vector, so that the words alone decided. Null: it has, or needs none.' },
  ),
);

/** `/api/v1/knowledge-base` */
export const knowledgeRoutes = [
  route(
    'POST',
    '/knowledge-base',
    {
      tags,
      summary: 'Add or update an article',
      description:
        'With `article_id` it updates: fields that are left out stay as they are, and the former version is kept. The next search finds it.',
      body: Written,
      problems: ['article_not_found', 'role_required', 'store_unavailable'],
      roles: 'admin',
      response: {
        200: Type.Object(filed, {
          example: {
            article_id: 'kb_5f0c2a8d3b7e4f6a9c1d2e3f',
            version: 1,
            status: 'published',
            indexed: true,
            language: 'en',
            created_at: '2026-01-12T15:35:00.000Z',
            updated_at: '2026-01-12T15:35:00.000Z',
          },
        }),
      },
    },
    async ({ caller, body: { article_id: id, ...fields } }, context) =>
      showFiled(await saveArticle(context, caller, id, fields)),
  ),
  route(
    'GET',
    '/knowledge-base',
    {
      tags,
      summary: 'List articles',
      description: 'Those that were changed last first. Members see what is published.',
      querystring: Type.Object({
        status: Type.Optional(status),
        language: Type.Optional(language),
        category: Type.Optional(category),
        tag: Type.Optional(tag),
        ...paging,
      }),
      problems: ['role_required', 'store_unavailable'],
      roles: 'everyone for published articles; analyst, reviewer or admin for drafts',
      response: { 200: Type.Object({ articles: Type.Array(Type.Object(listed)), ...page, index: IndexState }) },
    },
    async ({ caller, query: { limit, offset, ...question } }, context) => {
      const { items, total } = await listArticles(context, caller, question, { limit, offset });
      const { embeddingModel, ...counts } = await readIndexState(context);
      const index = { ...counts, embedding_model: embeddingModel };
      return { articles: items.map(showListed), total, limit, offset, index };
    },
  ),
  route(
    'POST',
    '/knowledge-base/search',
    {
      tags,
      summary: 'Search the articles',
      description: 'Finds published articles by a question in plain words, with typos, in any of their languages.',
      body: Type.Object(
        {
          query: Type.String({ pattern: notBlank, maxLength: 2_000 }),
          limit: Type.Integer({ minimum: 1, maximum: 50, default: 5, description: 'How many articles at most.' }),
        },
        { additionalProperties: false, example: { query: 'I forgot my pasword', limit: 5 } },
      ),
      problems: ['store_unavailable'],
      response: {
        200: Type.Object({
          results: Type.Array(
            Type.Object({
              ...listed,
              passage: Type.String({ description: 'The part of the article that answers best.' }),
              score,
            }),
          ),
          ranked_by: Type.Enum(['words', 'vectors', 'words_and_vectors'], {
            description: 'What the question and the passages were compared by.',
          }),
          fallback,
        }),
      },
    },
    async ({ callContext, body: { query, limit } }, context) => {
      const { articles, by, fallback } = await searchArticles(context, callContext, query, limit);
      const results = articles.map(({ article, ...rest }) => ({ ...showListed(article), ...rest }));
      return { results, ranked_by: by, fallback };
    },
  ),
  route(
    'GET',
    '/knowledge-base/:article_id',
    {
      tags,
      summary: 'Get an article',
      params,
      querystring: Type.Object({ version: Type.Optional(version) }),
      problems: ['article_not_found', 'role_required', 'store_unavailable'],
      roles: 'everyone for published articles; analyst, reviewer or admin for drafts and former versions',
      response: { 200: Type.Object({ ...listed, content, metadata }) },
    },
    async ({ caller, params, query }, context) => {
      const article = await getArticle(context, caller, params.article_id, query.version);
      return { ...showListed(article), content: article.content, metadata: article.metadata };
    },
  ),
  route(
    'GET',
    '/knowledge-base/:article_id/versions',
    {
      tags,
      summary: 'List the versions of an article',
      description: 'The latest first.',
      params,
      problems: ['article_not_found', 'role_required', 'store_unavailable'],
      roles: readers,
      response: { 200: Type.Object({ versions: Type.Array(Type.Object({ version, created_at: Timestamp })) }) },
    },
    async ({ caller, params }, context) => {
      const versions = await listVersions(context, caller, params.article_id);
      return { versions: versions.map((one) => ({ version: one.version, created_at: one.createdAt.toISOString() })) };
    },
  ),
  route(
    'DELETE',
    '/knowledge-base/:article_id',
    {
      tags,
      summary: 'Delete an article',
      description: 'With all of its versions.',
      params,
      problems: ['article_not_found', 'role_required', 'store_unavailable'],
      roles: 'admin',
      response: { 200: Type.Object({ article_id: articleId, deleted: Type.Literal(true) }) },
    },
    async ({ caller, params }, context) => {
      await deleteArticle(context, caller, params.article_id);
      return { article_id: params.article_id, deleted: true as const };
    },
  ),
];

function showFiled({ id, version, status, isIndexed, language, createdAt, updatedAt }: FiledArticle) {
  return {
    article_id: id,
    version,
    status,
    indexed: isIndexed,
    language,
    created_at: createdAt.toISOString(),
    updated_at: updatedAt.toISOString(),
  };
}

function showListed(article: FiledArticle): Static<ReturnType<typeof Type.Object<typeof listed>>> {
  const { title, category, tags } = article;
  return { ...showFiled(article), title, category, tags: [...tags] };
}
