import type { Queryable } from './queryable.ts';

const maxTokens = 1_000_000_000_000;
const maxUsd = 10_000_000;

/**
 * The maximum of each figure in a record; the minimum is 0. PostgreSQL refuses anything beyond
 * (`chaperone.figure_bounds`).
 */
export const figureBounds = {
  input_tokens: maxTokens,
  cached_input_tokens: maxTokens,
  cache_write_tokens: maxTokens,
  output_tokens: maxTokens,
  reasoning_tokens: maxTokens,
  total_tokens: maxTokens,
  input_audio_tokens: maxTokens,
  input_image_tokens: maxTokens,
  cached_audio_tokens: maxTokens,
  cached_image_tokens: maxTokens,
  output_audio_tokens: maxTokens,
  output_image_tokens: maxTokens,
  characters: maxTokens,
  /** US dollars. */
  cost_usd: maxUsd,
  avoided_cost_usd: maxUsd,
  cache_savings_usd: maxUsd,
  /** Two weeks. */
  duration_ms: 1_209_600_000,
  time_to_first_token_ms: 1_209_600_000,
  images: 1_000_000,
  audio_seconds: 100_000_000,
} as const;

/** A constraint that was added to a table with records in it, and a partition that is not yet validated against it. */
export interface UncheckedConstraint {
  readonly table: string;
  readonly constraint: string;
  /** Whether the table has no partitions. */
  readonly isLeaf: boolean;
}

/** @returns partitions before their parent tables */
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
 * Removes implausible figures from a partition's records, together with the cost of each such record, and corrects the
 * sums.
 *
 * @returns the number of corrected records by organization
 */
export async function removeImplausibleFigures(
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

/** Validates a constraint of a table without blocking writers. @throws DatabaseError 23514 where a row violates it */
export async function checkConstraint(db: Queryable, { table, constraint }: UncheckedConstraint): Promise<void> {
  await db.query('select chaperone.validate_constraint($1::regclass, $2::name)', [table, constraint]);
}
