import type { Queryable } from './queryable.ts';

/** An article of the knowledge base, for the people who run Chaperone. Its title is sealed. */
export interface ListedArticle {
  readonly organization: string;
  readonly articleId: string;
  readonly version: number;
  readonly status: 'draft' | 'published';
  readonly language: string;
  readonly category: string | null;
  /** How many passages it has in the index. */
  readonly passages: number;
  /** How many of them lack what the Organization finds articles by now: words, or vectors. */
  readonly waiting: number;
  readonly updatedAt: Date;
}

const most = 1_000;

/** Lists articles, those that were changed last first, at most a thousand. @param db the owner's connection */
export async function listAllArticles(db: Queryable, organization: string | undefined): Promise<ListedArticle[]> {
  const { rows } = await db.query<ListedArticle>(
    `select o.name as organization, a.article_id as "articleId", a.version, a.status, a.language, a.category,
       i.passages, i.waiting, a.updated_at as "updatedAt"
     from chaperone.organizations o
       join chaperone.knowledge_articles a on a.organization_id = o.organization_id
       cross join lateral (select chaperone.embedding_space(o.spec) as space) e
       cross join lateral (
         select count(*)::integer as passages,
           (count(*) filter (where
             p.has_words <> coalesce((o.spec -> 'storage' ->> 'searchable')::boolean, true)
             or (e.space is not null and not exists (
               select from chaperone.knowledge_vectors v
               where v.organization_id = a.organization_id and v.space = e.space and v.text_digest = p.text_digest
                 and v.vector_encrypted is not null))))::integer as waiting
         from chaperone.knowledge_passages p
         where p.organization_id = a.organization_id and p.article_id = a.article_id
       ) i
     where $1::text is null or o.name = $1::text
     order by a.updated_at desc, a.article_id
     limit $2::integer`,
    [organization ?? null, most],
  );
  return rows;
}
