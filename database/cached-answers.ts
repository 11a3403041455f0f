import { statementName } from './client.ts';
import { deletePast } from './past-rows.ts';
import type { Queryable } from './queryable.ts';

/** What is known of an answer. */
export interface FoundAnswer {
  /** Sealed for `cached_answers.answer`; the row id is the answer's id in hexadecimal. Null: there is none. */
  readonly sealed: Uint8Array | null;
  /** How long ago it was kept. Null: there is none. */
  readonly ageMs: number | null;
  /** Whether the asker may now ask the provider for it, and others wait. */
  readonly isLeased: boolean;
}

/** The wish to be the one who asks for an answer that there is not. */
export interface AnswerLease {
  /** The proxy that asks. */
  readonly holder: string;
  readonly leaseMs: number;
}

/**
 * Finds an answer of the session's own organization.
 *
 * @param maxAgeMs an older answer is not found
 * @param lease is taken where there is no answer and nobody else has it. Undefined: only look
 */
export async function findAnswer(
  db: Queryable,
  id: Uint8Array,
  maxAgeMs: number,
  lease?: AnswerLease,
): Promise<FoundAnswer> {
  const { rows } = await db.query<FoundAnswer>({
    name: statementName(db, 'find-answer'),
    text: `
      select answer_encrypted as sealed, age_ms as "ageMs", leased as "isLeased"
      from chaperone.find_answer($1::bytea, $2::float8, $3::uuid, $4::float8)`,
    values: [id, maxAgeMs, lease?.holder ?? null, lease?.leaseMs ?? null],
  });
  return rows[0] ?? { sealed: null, ageMs: null, isLeased: false };
}

/** An answer to keep. */
export interface AnswerToKeep {
  readonly id: Uint8Array;
  readonly sealed: Uint8Array;
  readonly ttlMs: number;
  /** The bound of all answers of the organization together. The oldest go first. */
  readonly maxBytes: number;
  /** When its call began, in milliseconds since 1970. */
  readonly beganAtMs: number;
  /** Whose lease it ends. */
  readonly holder: string;
}

/** @returns whether it was kept; an answer to a call from before an erasure is not */
export async function keepAnswer(db: Queryable, answer: AnswerToKeep): Promise<boolean> {
  const { id, sealed, ttlMs, maxBytes, beganAtMs, holder } = answer;
  const { rows } = await db.query<{ kept: boolean }>(
    `select chaperone.keep_answer($1::bytea, $2::bytea, $3::integer, $4::float8, $5::bigint,
       to_timestamp($6::float8 / 1000), $7::uuid) as kept`,
    [id, sealed, sealed.byteLength + rowBytes, ttlMs, maxBytes, beganAtMs, holder],
  );
  return rows[0]?.kept ?? false;
}

/** What a row and its index entries take beside the answer. */
const rowBytes = 256;

/** Extends a proxy's leases. @param leaseMs null: ends them */
export async function holdAnswers(
  db: Queryable,
  ids: readonly Uint8Array[],
  holder: string,
  leaseMs: number | null,
): Promise<void> {
  await db.query('select chaperone.hold_answers($1::bytea[], $2::uuid, $3::float8)', [ids, holder, leaseMs]);
}

/**
 * Deletes expired answers, and those of organizations without a cache, of all organizations.
 *
 * @param db the owner's connection
 * @returns how many
 */
export async function deleteExpiredAnswers(db: Queryable): Promise<number> {
  return deletePast(db, 'answers');
}
