import { statementName } from './client.ts';
import type { Queryable } from './queryable.ts';

/** How long an attempt holds its key without a sign of life, and how long an answer is kept. */
export const heldMs = 60_000;
const keptHours = 24;

/** The place of a request: its organization, and a keyed digest of its caller and its `Idempotency-Key`. */
export interface IdempotencyPlace {
  readonly organizationId: string;
  readonly keyDigest: Uint8Array;
}

/** What there is of an earlier request with the same key. */
export interface EarlierRequest {
  readonly requestDigest: Uint8Array;
  readonly holder: string;
  /** Whether nobody holds it any more although it has no answer: it has failed, or its process has ended. */
  readonly isAbandoned: boolean;
  /** Null: there is none yet. */
  readonly status: number | null;
  readonly contentType: string | null;
  readonly answerSealed: Uint8Array | null;
}

/**
 * Begins a request, unless another one has the key.
 *
 * @param requestDigest a keyed digest of what is asked
 * @param holder a new UUID of the attempt
 * @returns whether it has begun
 */
export async function beginIdempotent(
  db: Queryable,
  { organizationId, keyDigest }: IdempotencyPlace,
  requestDigest: Uint8Array,
  holder: string,
): Promise<boolean> {
  const { rowCount } = await db.query({
    name: statementName(db, 'begin-idempotent'),
    text: `
      insert into chaperone.idempotent_answers as a
        (organization_id, key_digest, request_digest, holder, held_until, expires_at)
      values ($1::uuid, $2::bytea, $3::bytea, $4::uuid, clock_timestamp() + $5::integer * interval '1 millisecond',
        clock_timestamp() + $6::integer * interval '1 hour')
      on conflict (organization_id, key_digest) do update
        set request_digest = excluded.request_digest, holder = excluded.holder, held_until = excluded.held_until,
            status = null, content_type = null, answer_encrypted = null, expires_at = excluded.expires_at
        where a.expires_at <= clock_timestamp()`,
    values: [organizationId, keyDigest, requestDigest, holder, heldMs, keptHours],
  });
  return rowCount === 1;
}

/** Reads what there is of the request that has the key. */
export async function readIdempotent(
  db: Queryable,
  { organizationId, keyDigest }: IdempotencyPlace,
): Promise<EarlierRequest | undefined> {
  const { rows } = await db.query<EarlierRequest>(
    `select request_digest as "requestDigest", holder, status, content_type as "contentType",
       answer_encrypted as "answerSealed", status is null and held_until <= clock_timestamp() as "isAbandoned"
     from chaperone.idempotent_answers where organization_id = $1::uuid and key_digest = $2::bytea`,
    [organizationId, keyDigest],
  );
  return rows[0];
}

/** Takes an abandoned request over. @returns whether nobody was faster */
export async function takeOverIdempotent(
  db: Queryable,
  { organizationId, keyDigest }: IdempotencyPlace,
  former: string,
  holder: string,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update chaperone.idempotent_answers
     set holder = $4::uuid, held_until = clock_timestamp() + $5::integer * interval '1 millisecond'
     where organization_id = $1::uuid and key_digest = $2::bytea and holder = $3::uuid and status is null`,
    [organizationId, keyDigest, former, holder, heldMs],
  );
  return rowCount === 1;
}

/** Tells that an attempt still runs. */
export async function holdIdempotent(
  db: Queryable,
  { organizationId, keyDigest }: IdempotencyPlace,
  holder: string,
): Promise<void> {
  await db.query(
    `update chaperone.idempotent_answers
     set held_until = clock_timestamp() + $4::integer * interval '1 millisecond'
     where organization_id = $1::uuid and key_digest = $2::bytea and holder = $3::uuid and status is null`,
    [organizationId, keyDigest, holder, heldMs],
  );
}

/** Keeps the answer of an attempt. Nothing is kept where the row has gone meanwhile, as by an erasure. */
export async function keepIdempotent(
  db: Queryable,
  { organizationId, keyDigest }: IdempotencyPlace,
  holder: string,
  answer: { readonly status: number; readonly contentType: string | undefined; readonly sealed: Uint8Array },
): Promise<void> {
  await db.query(
    `update chaperone.idempotent_answers
     set status = $4::smallint, content_type = $5::text, answer_encrypted = $6::bytea
     where organization_id = $1::uuid and key_digest = $2::bytea and holder = $3::uuid`,
    [organizationId, keyDigest, holder, answer.status, answer.contentType ?? null, answer.sealed],
  );
}

/** Gives the key back: the attempt has failed, and the same request may run again at once. */
export async function releaseIdempotent(
  db: Queryable,
  { organizationId, keyDigest }: IdempotencyPlace,
  holder: string,
): Promise<void> {
  await db.query(
    `update chaperone.idempotent_answers set held_until = clock_timestamp()
     where organization_id = $1::uuid and key_digest = $2::bytea and holder = $3::uuid and status is null`,
    [organizationId, keyDigest, holder],
  );
}
