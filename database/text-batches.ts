import type { Queryable } from './queryable.ts';

/** Texts of a user that a worker judges. */
export interface TextBatchRow {
  readonly batchId: string;
  readonly userId: string;
  /** The external id of the user; null: none. */
  readonly requestedBy: string | null;
  readonly status: 'queued' | 'processing' | 'completed' | 'failed';
  readonly total: number;
  readonly done: number;
  readonly failed: number;
  /** JSON: the texts and how they are to be judged. Null once they are. */
  readonly textsSealed: Uint8Array | null;
  /** JSON: what became of each text. */
  readonly resultsSealed: Uint8Array | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
  readonly createdAt: Date;
  readonly completedAt: Date | null;
}

export interface TextBatchWrite extends Pick<TextBatchRow, 'batchId' | 'userId' | 'requestedBy' | 'total'> {
  readonly textsSealed: Uint8Array;
}

const columns = `batch_id as "batchId", user_id as "userId", requested_by as "requestedBy", status, total, done, failed,
  texts_encrypted as "textsSealed", results_encrypted as "resultsSealed", error_code as "errorCode",
  error_message as "errorMessage", created_at as "createdAt", completed_at as "completedAt"`;

export async function insertTextBatch(db: Queryable, organizationId: string, batch: TextBatchWrite): Promise<void> {
  const { batchId, userId, requestedBy, total, textsSealed } = batch;
  await db.query(
    `insert into chaperone.text_batches (organization_id, batch_id, user_id, requested_by, status, total, texts_encrypted)
     values ($1::uuid, $2::text, $3::uuid, $4::text, 'queued', $5::integer, $6::bytea)`,
    [organizationId, batchId, userId, requestedBy, total, textsSealed],
  );
}

/** Without the texts. */
export async function findTextBatch(
  db: Queryable,
  organizationId: string,
  batchId: string,
): Promise<Omit<TextBatchRow, 'textsSealed'> | undefined> {
  const { rows } = await db.query<Omit<TextBatchRow, 'textsSealed'>>(
    `select batch_id as "batchId", user_id as "userId", requested_by as "requestedBy", status, total, done, failed,
       results_encrypted as "resultsSealed", error_code as "errorCode", error_message as "errorMessage",
       created_at as "createdAt", completed_at as "completedAt"
     from chaperone.text_batches where organization_id = $1::uuid and batch_id = $2::text`,
    [organizationId, batchId],
  );
  return rows[0];
}

/** Begins an attempt. Undefined: it has ended, or its user was erased. */
export async function beginTextBatch(
  db: Queryable,
  organizationId: string,
  batchId: string,
): Promise<TextBatchRow | undefined> {
  const { rows } = await db.query<TextBatchRow>(
    `update chaperone.text_batches set status = 'processing', done = 0, failed = 0
     where organization_id = $1::uuid and batch_id = $2::text and status in ('queued', 'processing')
     returning ${columns}`,
    [organizationId, batchId],
  );
  return rows[0];
}

/** Notes how far it is. @returns whether it is still wanted */
export async function noteProgress(
  db: Queryable,
  organizationId: string,
  batchId: string,
  { done, failed }: Pick<TextBatchRow, 'done' | 'failed'>,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update chaperone.text_batches set done = $3::integer, failed = $4::integer
     where organization_id = $1::uuid and batch_id = $2::text and status = 'processing'`,
    [organizationId, batchId, done, failed],
  );
  return rowCount === 1;
}

/** Stores what became of the texts, which are not needed any more. @returns whether it was still wanted */
export async function completeTextBatch(
  db: Queryable,
  organizationId: string,
  batchId: string,
  { failed, resultsSealed }: { readonly failed: number; readonly resultsSealed: Uint8Array },
): Promise<boolean> {
  const { rowCount } = await db.query(
    `update chaperone.text_batches
     set status = 'completed', done = total, failed = $3::integer, results_encrypted = $4::bytea, texts_encrypted = null,
         completed_at = clock_timestamp()
     where organization_id = $1::uuid and batch_id = $2::text and status = 'processing'`,
    [organizationId, batchId, failed, resultsSealed],
  );
  return rowCount === 1;
}

/** @param failure in words of ours */
export async function failTextBatch(
  db: Queryable,
  organizationId: string,
  batchId: string,
  { code, message }: { readonly code: string; readonly message: string },
): Promise<void> {
  await db.query(
    `update chaperone.text_batches
     set status = 'failed', texts_encrypted = null, error_code = left($3::text, 64), error_message = left($4::text, 500),
         completed_at = clock_timestamp()
     where organization_id = $1::uuid and batch_id = $2::text and status in ('queued', 'processing')`,
    [organizationId, batchId, code, message],
  );
}
