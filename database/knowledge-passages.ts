import { statementName } from './client.ts';
import type { Queryable } from './queryable.ts';

/** A part of an article, as it is indexed. */
export interface PassageWrite {
  /** Where it is in the article's content, in UTF-16 units. */
  readonly startsAt: number;
  readonly endsAt: number;
  /** Its words, and those of its headings. Only the index has them. */
  readonly text: string;
  readonly headings: string;
  /** Of what its vector is made of, in hex. */
  readonly digest: string;
}

export interface IndexedArticle {
  readonly articleId: string;
  readonly version: number;
  readonly language: string;
  /** Whether its words are in the index. Otherwise title, texts and headings are empty. */
  readonly hasWords: boolean;
  readonly title: string;
  readonly passages: readonly PassageWrite[];
}

/** Takes an article out of the index. @param db the organization's own login */
export async function removePassages(db: Queryable, articleId: string): Promise<void> {
  await db.query('select chaperone.remove_passages($1::text)', [articleId]);
}

/** The same for any organization. @param db the owner's connection */
export async function removePassagesOf(db: Queryable, organizationId: string, articleId: string): Promise<void> {
  await db.query('select chaperone.remove_passages_of($1::uuid, $2::text)', [organizationId, articleId]);
}

/** Puts an article that is not in the index there. */
export async function insertPassages(
  db: Queryable,
  organizationId: string,
  { articleId, version, language, hasWords, title, passages }: IndexedArticle,
): Promise<void> {
  await db.query(
    `insert into chaperone.knowledge_passages
       (organization_id, article_id, number, version, language, starts_at, ends_at, has_words, text_digest, words)
     select $1::uuid, $2::text, p.number - 1, $6::integer, $3::text, p."startsAt", p."endsAt", $7::boolean,
       decode(p.digest, 'hex'),
       setweight(to_tsvector(config, $4::text), 'A') || setweight(to_tsvector(config, p.headings), 'B')
         || to_tsvector(config, p.text) || array_to_tsvector(array[chaperone.passage_scope($1::uuid, $3::text)])
     from chaperone.text_search_language($3::text) config
       cross join rows from (
         jsonb_to_recordset($5::jsonb)
           as ("startsAt" integer, "endsAt" integer, text text, headings text, digest text)
       ) with ordinality as p("startsAt", "endsAt", text, headings, digest, number)`,
    [organizationId, articleId, language, title, JSON.stringify(passages), version, hasWords],
  );
}

/** A passage that a search has found. */
export interface FoundPassage {
  readonly articleId: string;
  readonly number: number;
  /** Higher is better. Scores of two searches are not comparable. */
  readonly score: number;
  /** Of the article. */
  readonly version: number;
  readonly startsAt: number;
  readonly endsAt: number;
}

/** Finds the passages that say most of what a question asks for, the best first. */
export async function searchPassages(
  db: Queryable,
  organizationId: string,
  question: string,
  limit: number,
): Promise<FoundPassage[]> {
  const { rows } = await db.query<FoundPassage>({
    name: statementName(db, 'search-passages'),
    text: `select f.article_id as "articleId", f.number, f.score, p.version, p.starts_at as "startsAt", p.ends_at as "endsAt"
     from chaperone.search_passages($2::text, $3::integer) f
       join chaperone.knowledge_passages p
         on p.organization_id = $1::uuid and p.article_id = f.article_id and p.number = f.number
     order by f.score desc, f.article_id, f.number`,
    values: [organizationId, question, limit],
  });
  return rows;
}
