import type { Queryable } from './queryable.ts';

/** The sealed vector of a text. A row's id is `space/digest`, the digest in hex. */
export interface VectorWrite {
  readonly digest: Buffer;
  /** Sealed for `knowledge_vectors.sketch` and `knowledge_vectors.vector`. Null: the provider refuses the text. */
  readonly sketch: Buffer | null;
  readonly vector: Buffer | null;
}

/** Stores vectors of one space. One that is there stays. */
export async function insertVectors(
  db: Queryable,
  organizationId: string,
  space: string,
  vectors: readonly VectorWrite[],
): Promise<void> {
  await db.query(
    `with space as (
       insert into chaperone.knowledge_spaces as s (organization_id, space, revision)
       values ($1::uuid, $2::text, 1)
       -- The row is locked until the end, so revisions become visible in their order.
       on conflict (organization_id, space) do update set revision = s.revision + 1
       returning revision
     )
     insert into chaperone.knowledge_vectors
       (organization_id, space, text_digest, revision, sketch_encrypted, vector_encrypted)
     select $1::uuid, $2::text, v.digest, s.revision, v.sketch, v.vector
     from space s cross join unnest($3::bytea[], $4::bytea[], $5::bytea[]) as v (digest, sketch, vector)
     on conflict (organization_id, space, text_digest) do nothing`,
    [
      organizationId,
      space,
      vectors.map(({ digest }) => digest),
      vectors.map(({ sketch }) => sketch),
      vectors.map(({ vector }) => vector),
    ],
  );
}

/** A passage whose vector is missing. */
export interface PassageWithoutVector {
  readonly articleId: string;
  readonly version: number;
  readonly number: number;
  readonly digest: Buffer;
}

/** Lists passages without a vector in a space, those of one article together. */
export async function listPassagesWithoutVector(
  db: Queryable,
  organizationId: string,
  space: string,
  limit: number,
): Promise<PassageWithoutVector[]> {
  const { rows } = await db.query<PassageWithoutVector>(
    `select p.article_id as "articleId", p.version, p.number, p.text_digest as digest
     from chaperone.knowledge_passages p
     where p.organization_id = $1::uuid and p.text_digest is not null
       and not exists (
         select from chaperone.knowledge_vectors v
         where v.organization_id = $1::uuid and v.space = $2::text and v.text_digest = p.text_digest)
     order by p.article_id, p.number
     limit $3::integer`,
    [organizationId, space, limit],
  );
  return rows;
}

/** Lists published articles whose index is not as the Organization says now: with or without words. */
export async function listArticlesToIndex(
  db: Queryable,
  organizationId: string,
  hasWords: boolean,
  limit: number,
): Promise<string[]> {
  const { rows } = await db.query<{ articleId: string }>(
    `select distinct p.article_id as "articleId"
     from chaperone.knowledge_passages p
     where p.organization_id = $1::uuid and (p.text_digest is null or p.has_words <> $2::boolean)
     order by 1
     limit $3::integer`,
    [organizationId, hasWords, limit],
  );
  return rows.map(({ articleId }) => articleId);
}

/** A vector's sketch, sealed for `knowledge_vectors.sketch`. */
export interface SketchRow {
  readonly digest: Buffer;
  readonly revision: number;
  readonly sketch: Uint8Array;
}

/** Lists the sketches of a space that were stored after a revision, in order. Those of the last revision may be cut off. */
export async function listSketches(
  db: Queryable,
  organizationId: string,
  space: string,
  after: { readonly revision: number; readonly digest: Buffer },
  limit: number,
): Promise<SketchRow[]> {
  const { rows } = await db.query<SketchRow>(
    `select v.text_digest as digest, v.revision::float8 as revision, v.sketch_encrypted as sketch
     from chaperone.knowledge_vectors v
     where v.organization_id = $1::uuid and v.space = $2::text
       and (v.revision, v.text_digest) > ($3::bigint, $4::bytea) and v.sketch_encrypted is not null
     order by v.revision, v.text_digest
     limit $5::integer`,
    [organizationId, space, after.revision, after.digest, limit],
  );
  return rows;
}

/** A passage with its vector, sealed for `knowledge_vectors.vector`. */
export interface PassageVector {
  readonly digest: Buffer;
  readonly vector: Uint8Array;
  /** Null: no article has the text now. */
  readonly passage: {
    readonly articleId: string;
    readonly number: number;
    readonly version: number;
    readonly startsAt: number;
    readonly endsAt: number;
  } | null;
}

/** Finds the vectors of these texts, each with the passages that have it. */
export async function findPassageVectors(
  db: Queryable,
  organizationId: string,
  space: string,
  digests: readonly Buffer[],
): Promise<PassageVector[]> {
  const { rows } = await db.query<PassageVector>(
    `select v.text_digest as digest, v.vector_encrypted as vector,
       case when p.article_id is not null then json_build_object('articleId', p.article_id, 'number', p.number,
         'version', p.version, 'startsAt', p.starts_at, 'endsAt', p.ends_at) end as passage
     from chaperone.knowledge_vectors v
       left join chaperone.knowledge_passages p on p.organization_id = $1::uuid and p.text_digest = v.text_digest
     where v.organization_id = $1::uuid and v.space = $2::text and v.text_digest = any ($3::bytea[])
       and v.vector_encrypted is not null`,
    [organizationId, space, digests],
  );
  return rows;
}

/**
 * Lets a job be the only one that makes the vectors of a space, for a minute. A job that is tried again has it already.
 *
 * @returns whether it is
 */
export async function holdSpace(db: Queryable, organizationId: string, space: string, jobId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into chaperone.knowledge_spaces as s (organization_id, space, revision, job_id, held_until)
     values ($1::uuid, $2::text, 0, $3::bigint, now() + interval '1 minute')
     on conflict (organization_id, space) do update
       set job_id = excluded.job_id, held_until = excluded.held_until
       where s.job_id is null or s.job_id = excluded.job_id or s.held_until < now()`,
    [organizationId, space, jobId],
  );
  return rowCount === 1;
}

/** Ends a job's hold of a space. */
export async function releaseSpace(db: Queryable, organizationId: string, space: string, jobId: string): Promise<void> {
  await db.query(
    `update chaperone.knowledge_spaces set job_id = null, held_until = null
     where organization_id = $1::uuid and space = $2::text and job_id = $3::bigint`,
    [organizationId, space, jobId],
  );
}

/** How far the index is. */
export interface IndexCounts {
  readonly published: number;
  /** Of the published ones, those whose passages are all in the index that the organization uses. */
  readonly indexed: number;
  readonly passages: number;
  /** Passages whose text the embedding model refuses. */
  readonly refused: number;
}

/** What the index of an organization consists of. */
export interface IndexUse {
  readonly hasWords: boolean;
  /** Null: no vectors. */
  readonly space: string | null;
}

const lacksIndex = `(p.text_digest is null and $3::text is not null) or p.has_words <> $2::boolean
  or ($3::text is not null and not exists (
    select from chaperone.knowledge_vectors v
    where v.organization_id = $1::uuid and v.space = $3::text and v.text_digest = p.text_digest
      and v.vector_encrypted is not null))`;

/** Counts what is in the index. */
export async function countIndex(
  db: Queryable,
  organizationId: string,
  { hasWords, space }: IndexUse,
): Promise<IndexCounts> {
  const { rows } = await db.query<IndexCounts>(
    `with lacking as (
       select p.article_id, p.text_digest from chaperone.knowledge_passages p
       where p.organization_id = $1::uuid and (${lacksIndex})
     )
     select
       (select count(*) from chaperone.knowledge_articles
        where organization_id = $1::uuid and status = 'published')::integer as published,
       ((select count(*) from chaperone.knowledge_articles where organization_id = $1::uuid and status = 'published')
         - (select count(distinct article_id) from lacking))::integer as indexed,
       (select count(*) from chaperone.knowledge_passages where organization_id = $1::uuid)::integer as passages,
       (select count(*) from lacking l
        where exists (
          select from chaperone.knowledge_vectors v
          where v.organization_id = $1::uuid and v.space = $3::text and v.text_digest = l.text_digest))::integer
         as refused`,
    [organizationId, hasWords, space],
  );
  return rows[0] ?? { published: 0, indexed: 0, passages: 0, refused: 0 };
}

/** Lists those of these articles that are not wholly in the index. */
export async function listNotIndexed(
  db: Queryable,
  organizationId: string,
  { hasWords, space }: IndexUse,
  articleIds: readonly string[],
): Promise<string[]> {
  const { rows } = await db.query<{ articleId: string }>(
    `select distinct p.article_id as "articleId" from chaperone.knowledge_passages p
     where p.organization_id = $1::uuid and p.article_id = any ($4::text[]) and (${lacksIndex})`,
    [organizationId, hasWords, space, articleIds],
  );
  return rows.map(({ articleId }) => articleId);
}
