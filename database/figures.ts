import type { Queryable } from './queryable.ts';

const mostTokens = 1_000_000_000_000;

/**
 * The greatest that each figure of a record may be; none is negative. PostgreSQL refuses what is beyond
 * (`chaperone.figure_bounds`).
 */
export const figureBounds = {
  input_tokens: mostTokens,
  cached_input_tokens: mostTokens,
  cache_write_tokens: mostTokens,
  output_tokens: mostTokens,
  reasoning_tokens: mostTokens,
  total_tokens: mostTokens,
  input_audio_tokens: mostTokens,
  input_image_tokens: mostTokens,
  output_audio_tokens: mostTokens,
  output_image_tokens: mostTokens,
  characters: mostTokens,
  /** US dollars. */
  cost_usd: 10_000_000,
  /** Two weeks. */
  duration_ms: 1_209_600_000,
  time_to_first_token_ms: 1_209_600_000,
  images: 1_000_000,
  audio_seconds: 100_000_000,
} as const;

/** Constraints that were added to tables with records in them, by the partition that has yet to be held against them. */
export interface UncheckedConstraint {
  readonly table: string;
  readonly constraint: string;
  /** Whether the table has no partitions. */
  readonly isLeaf: boolean;
}

/** @returns partitions before what they are of */
export async function listUncheckedConstraints(db: Queryable): Promise<UncheckedConstraint[]> {
  const { rows } = await db.query<UncheckedConstraint>(
    `select format('%I.%I', n.nspname, c.relname) as table, k.conname as constraint, c.relkind = 'r' as "isLeaf"
     from pg_constraint k
       join pg_class c on c.oid = k.conrelid
       join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'chaperone' and k.contype = 'c' and not k.convalidated
     order by c.relkind <> 'r', c.relname, k.conname`,
  );
  return rows;
}

/**
 * Takes the figures out of a partition's records that cannot be, and the cost of each such record, and puts the sums right.
 *
 * @returns how many records of which organizations
 */
export async function neutraliseFigures(
  db: Queryable,
  partition: string,
): Promise<{ organizationId: string; records: number }[]> {
  const { rows } = await db.query<{ organizationId: string; records: number }>(
    `select organization_id as "organizationId", records::integer as records
     from chaperone.neutralise_figures($1::regclass)`,
    [partition],
  );
  return rows;
}

/** Holds a table's rows against a constraint; writers go on meanwhile. @throws DatabaseError 23514 where a row breaks it */
export async function checkConstraint(db: Queryable, { table, constraint }: UncheckedConstraint): Promise<void> {
  await db.query('select chaperone.validate_constraint($1::regclass, $2::name)', [table, constraint]);
}
