import type { Queryable } from '../queryable.ts';

export type TrainingStatus = 'STARTING' | 'IN_PROGRESS' | 'CANCELLING' | 'COMPLETED' | 'FAILED' | 'CANCELLED';

/** What a trainer has reported last (docs/training.md). */
export interface TrainingProgress {
  readonly current_epoch: number;
  readonly total_epochs: number;
  readonly current_step: number;
  readonly total_steps: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** What is to be trained. */
export interface TrainingOrder {
  readonly jobId: string;
  readonly baseModel: string;
  readonly trainingDataUri: string;
  readonly validationDataUri: string | null;
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  readonly instanceCount: number;
  readonly instanceType: string;
  readonly modelOutputUri: string;
}

export interface TrainingJobRow extends TrainingOrder {
  readonly status: TrainingStatus;
  readonly message: string | null;
  readonly progress: TrainingProgress | null;
  readonly cancelRequestedAt: Date | null;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  /** Set where the status is final. */
  readonly completedAt: Date | null;
}

/** What the operator has seen of a job. What is absent stays as it is. */
export interface TrainingObservation {
  readonly status: TrainingStatus;
  readonly message: string | null;
  readonly progress?: TrainingProgress | undefined;
  readonly log?: string | undefined;
}

const columns = `job_id as "jobId", base_model as "baseModel", training_data_uri as "trainingDataUri",
  validation_data_uri as "validationDataUri", hyperparameters, instance_count as "instanceCount",
  instance_type as "instanceType", model_output_uri as "modelOutputUri", status, message, progress,
  cancel_requested_at as "cancelRequestedAt", created_at as "createdAt", started_at as "startedAt",
  completed_at as "completedAt"`;

export async function insertTrainingJob(db: Queryable, organizationId: string, order: TrainingOrder): Promise<void> {
  const { jobId, baseModel, trainingDataUri, validationDataUri, hyperparameters } = order;
  await db.query(
    `insert into chaperone.training_jobs (organization_id, job_id, base_model, training_data_uri, validation_data_uri,
       hyperparameters, instance_count, instance_type, model_output_uri)
     values ($1::uuid, $2::text, $3::text, $4::text, $5::text, $6::jsonb, $7::integer, $8::text, $9::text)`,
    [
      ...[organizationId, jobId, baseModel, trainingDataUri, validationDataUri, JSON.stringify(hyperparameters)],
      ...[order.instanceCount, order.instanceType, order.modelOutputUri],
    ],
  );
}

export async function findTrainingJob(
  db: Queryable,
  organizationId: string,
  jobId: string,
): Promise<TrainingJobRow | undefined> {
  const { rows } = await db.query<TrainingJobRow>(
    `select ${columns} from chaperone.training_jobs where organization_id = $1::uuid and job_id = $2::text`,
    [organizationId, jobId],
  );
  return rows[0];
}

/** Lists jobs, the latest first. */
export async function listTrainingJobs(
  db: Queryable,
  organizationId: string,
  { limit, offset, status }: { readonly limit: number; readonly offset: number; readonly status?: string | undefined },
): Promise<{ readonly jobs: TrainingJobRow[]; readonly total: number }> {
  const { rows } = await db.query<TrainingJobRow & { total: number }>(
    `select ${columns}, (count(*) over ())::integer as total
     from chaperone.training_jobs
     where organization_id = $1::uuid and ($4::text is null or status = $4::text)
     order by created_at desc, job_id limit $2::integer offset $3::integer`,
    [organizationId, limit, offset, status ?? null],
  );
  return { jobs: rows, total: rows[0]?.total ?? 0 };
}

/** The end of what a job has printed. Undefined: there is no such job. */
export async function readTrainingLog(
  db: Queryable,
  organizationId: string,
  jobId: string,
): Promise<string | undefined> {
  const { rows } = await db.query<{ log: string }>(
    `select coalesce(log, '') as log from chaperone.training_jobs where organization_id = $1::uuid and job_id = $2::text`,
    [organizationId, jobId],
  );
  return rows[0]?.log;
}

/** How many jobs have not ended. */
export async function countOpenTrainingJobs(db: Queryable, organizationId: string): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `select count(*)::integer as count from chaperone.training_jobs
     where organization_id = $1::uuid and completed_at is null`,
    [organizationId],
  );
  return rows[0]?.count ?? 0;
}

/** The median duration of the last twenty jobs of a kind that were completed. Undefined: there is none. */
export async function medianTrainingMs(
  db: Queryable,
  organizationId: string,
  baseModel: string,
): Promise<number | undefined> {
  const { rows } = await db.query<{ ms: number | null }>(
    `select percentile_cont(0.5) within group (order by extract(epoch from completed_at - created_at) * 1000)::float8 as ms
     from (
       select completed_at, created_at from chaperone.training_jobs
       where organization_id = $1::uuid and base_model = $2::text and status = 'COMPLETED'
       order by created_at desc limit 20
     ) last`,
    [organizationId, baseModel],
  );
  return rows[0]?.ms ?? undefined;
}

/** What trained the model at an address. Undefined: no job of the organization did. */
export async function findBaseModelOf(
  db: Queryable,
  organizationId: string,
  modelUri: string,
): Promise<string | undefined> {
  const { rows } = await db.query<{ baseModel: string }>(
    `select base_model as "baseModel" from chaperone.training_jobs
     where organization_id = $1::uuid and model_output_uri = $2::text limit 1`,
    [organizationId, modelUri],
  );
  return rows[0]?.baseModel;
}

/** Asks for the end of a job. @returns whether it had not ended */
export async function requestTrainingCancel(db: Queryable, organizationId: string, jobId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update chaperone.training_jobs set cancel_requested_at = coalesce(cancel_requested_at, clock_timestamp())
     where organization_id = $1::uuid and job_id = $2::text and completed_at is null`,
    [organizationId, jobId],
  );
  return rowCount === 1;
}

/** The jobs of all organizations that have not ended, the oldest first. For the operator. */
export async function listOpenTrainingJobs(
  db: Queryable,
): Promise<readonly (TrainingJobRow & { readonly organizationId: string })[]> {
  const { rows } = await db.query<TrainingJobRow & { organizationId: string }>(
    `select organization_id as "organizationId", ${columns}
     from chaperone.training_jobs where completed_at is null order by created_at, job_id`,
  );
  return rows;
}

/** Stores what the operator has seen. A job that has ended stays as it is. */
export async function noteTraining(
  db: Queryable,
  organizationId: string,
  jobId: string,
  { status, message, progress, log }: TrainingObservation,
): Promise<void> {
  await db.query(
    `update chaperone.training_jobs
     set status = $3::text, message = left($4::text, 1000), progress = coalesce($5::jsonb, progress),
         log = coalesce($6::text, log),
         started_at = case when $3::text in ('IN_PROGRESS', 'COMPLETED') then coalesce(started_at, clock_timestamp())
           else started_at end,
         completed_at = case when $3::text in ('COMPLETED', 'FAILED', 'CANCELLED') then clock_timestamp() end
     where organization_id = $1::uuid and job_id = $2::text and completed_at is null`,
    [organizationId, jobId, status, message, progress ? JSON.stringify(progress) : null, log ?? null],
  );
}
