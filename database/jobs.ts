import type { Queryable } from './queryable.ts';

/** The schema of graphile-worker. */
export const jobsSchema = 'graphile_worker';

/** A job to add: it carries the id of a row, and nothing that anybody said. */
export interface NewJob {
  /** A task in worker/tasks.ts. */
  readonly task: string;
  /** The id of the row that the job is about. */
  readonly id: string;
  /** When it is due. Absent: now. */
  readonly dueAt?: Date;
  /** How often it is tried. Absent: 10 times, over three hours. */
  readonly attempts?: number;
}

const defaultAttempts = 10;

/** The SQLSTATE of `addJob` where the organization has as many jobs as it may. */
export const tooManyJobs = '53400';

/**
 * Adds a background job of the organization whose login `db` has. It becomes visible with what the same transaction
 * writes. A job about the same row that has not begun is not added twice.
 *
 * @returns the job's id
 */
export async function addJob(db: Queryable, { task, id, dueAt, attempts }: NewJob): Promise<string> {
  const { rows } = await db.query<{ id: string }>(
    'select chaperone.add_job($1::text, $2::text, $3::timestamptz, $4::integer) as id',
    [task, id, dueAt ?? null, attempts ?? defaultAttempts],
  );
  return String(rows[0]?.id);
}

/** The same for any organization. @param db the owner's connection */
export async function addJobOf(db: Queryable, organizationId: string, job: NewJob): Promise<string> {
  const { rows } = await db.query<{ id: string }>(
    'select chaperone.add_job_of($1::uuid, $2::text, $3::text, $4::timestamptz, $5::integer) as id',
    [organizationId, job.task, job.id, job.dueAt ?? null, job.attempts ?? defaultAttempts],
  );
  return String(rows[0]?.id);
}

/** A call to a provider that a job has begun. */
export interface JobCall {
  readonly jobId: string;
  /** Which of the job's calls it is. */
  readonly step: string;
  /** How many calls of this step the job began before. */
  readonly number: number;
  readonly requestId: string;
}

/** Notes a call before it is made. */
export async function insertJobCall(db: Queryable, organizationId: string, call: JobCall): Promise<void> {
  await db.query(
    `insert into chaperone.job_calls (organization_id, job_id, step, number, request_id)
     values ($1::uuid, $2::bigint, $3::text, $4::integer, $5::text)`,
    [organizationId, call.jobId, call.step, call.number, call.requestId],
  );
}

/** Lists the calls that earlier attempts of a job have begun for a step, the last one first. */
export async function listJobCalls(
  db: Queryable,
  organizationId: string,
  { jobId, step }: Pick<JobCall, 'jobId' | 'step'>,
): Promise<Pick<JobCall, 'number' | 'requestId'>[]> {
  const { rows } = await db.query<Pick<JobCall, 'number' | 'requestId'>>(
    `select number, request_id as "requestId"
     from chaperone.job_calls
     where organization_id = $1::uuid and job_id = $2::bigint and step = $3::text
     order by number desc`,
    [organizationId, jobId, step],
  );
  return rows;
}

/** The record of a call with its answer, if it was kept. */
export interface SettledJobCall {
  readonly status: string;
  readonly totalTokens: number | null;
  /** US dollars as a decimal string; null: unpriced. */
  readonly costUsd: string | null;
  /** The sealed contents (contents.ts). Null where there are none. */
  readonly sealed: Uint8Array | null;
}

/** Finds the record of a call that a job has begun. */
export async function findSettledJobCall(
  db: Queryable,
  organizationId: string,
  requestId: string,
  startedAtMs: number,
): Promise<SettledJobCall | undefined> {
  const { rows } = await db.query<SettledJobCall>(
    `select r.status, r.total_tokens::float8 as "totalTokens", r.cost_usd::text as "costUsd",
       c.contents_encrypted as sealed
     from chaperone.requests r
       left join chaperone.request_contents c
         on c.organization_id = r.organization_id and c.started_at = r.started_at and c.request_id = r.request_id
     where r.organization_id = $1::uuid and r.started_at = $2::timestamptz and r.request_id = $3::text`,
    [organizationId, new Date(startedAtMs), requestId],
  );
  return rows[0];
}

/**
 * Notes that a worker is alive, and gives back the jobs of those that have been silent for longer.
 *
 * @param db a worker's connection, as for all functions below
 * @returns how many jobs were given back
 */
export async function beat(db: Queryable, workerId: string, silenceMs: number): Promise<number> {
  const { rows } = await db.query<{ count: number }>('select chaperone.beat_worker($1::text, $2::integer) as count', [
    workerId,
    silenceMs,
  ]);
  return rows[0]?.count ?? 0;
}

/** Whether a worker is alive, so that chores are done. @param db the owner's connection */
export async function hasLiveWorker(db: Queryable): Promise<boolean> {
  const { rows } = await db.query<{ isAlive: boolean }>(
    `select exists (select from chaperone.workers where beat_at > now() - interval '1 minute') as "isAlive"`,
  );
  return rows[0]?.isAlive ?? false;
}

/** Notes that a worker has ended. */
export async function leave(db: Queryable, workerId: string): Promise<void> {
  await db.query('select chaperone.leave_worker($1::text)', [workerId]);
}

/** Lists the organizations with jobs that are due and that nobody has begun. */
export async function listWaitingOrganizations(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ organization: string }>(
    `select distinct payload ->> 'organization' as organization
     from graphile_worker._private_jobs
     where is_available and run_at <= now() and payload ->> 'organization' is not null`,
  );
  return rows.map(({ organization }) => organization);
}

/** Lets a job that is under way have no further attempt. */
export async function giveUpJob(db: Queryable, jobId: string, workerId: string): Promise<void> {
  await db.query(
    `update graphile_worker._private_jobs set max_attempts = attempts
     where id = $1::bigint and locked_by = $2::text`,
    [jobId, workerId],
  );
}

/**
 * Has an attempt not count that could not begin, for ten minutes after the job was added. The next one follows some seconds
 * later.
 *
 * @returns whether it does not count
 */
export async function keepAttempt(db: Queryable, jobId: string, workerId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update graphile_worker._private_jobs
     set attempts = attempts - 1, run_at = greatest(run_at, now()) + (3 + 4 * random()) * interval '1 second'
     where id = $1::bigint and locked_by = $2::text and attempts > 0 and created_at > now() - interval '10 minutes'`,
    [jobId, workerId],
  );
  return rowCount === 1;
}

/** A job without another attempt: a dead letter. */
export interface DeadJob {
  readonly id: string;
  /** The name of the task; with the prefix of organizations' tasks. */
  readonly task: string;
  readonly organization: string | null;
  /** The row that it is about. */
  readonly subject: string | null;
  readonly attempts: number;
  readonly lastError: string | null;
}

/** Lists the dead letters of which their task has not been told. */
export async function listUntoldDeadJobs(db: Queryable): Promise<DeadJob[]> {
  const { rows } = await db.query<DeadJob>(
    `select j.id::text as id, t.identifier as task, j.payload ->> 'organization' as organization,
       j.payload ->> 'id' as subject, j.attempts::integer as attempts, j.last_error as "lastError"
     from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id
     where j.attempts >= j.max_attempts and j.locked_at is null and (j.flags ? 'told') is not true
     order by j.id
     limit 100`,
  );
  return rows;
}

/** Notes that the task of a dead letter has been told. */
export async function markDeadJobTold(db: Queryable, jobId: string): Promise<void> {
  await db.query(
    `update graphile_worker._private_jobs set flags = coalesce(flags, '{}') || '{"told": true}'
     where id = $1::bigint and attempts >= max_attempts and locked_at is null`,
    [jobId],
  );
}

/** The jobs of a task, for metrics. */
export interface TaskDepth {
  readonly task: string;
  /** Due, or in a pause between two attempts. */
  readonly waiting: number;
  readonly running: number;
  readonly dead: number;
  /** How long the oldest one has been due, in seconds. */
  readonly oldestS: number;
}

/** Counts the jobs of each task. */
export async function readTaskDepths(db: Queryable): Promise<TaskDepth[]> {
  const { rows } = await db.query<TaskDepth>(
    `select t.identifier as task,
       (count(*) filter (where j.locked_at is null and j.attempts < j.max_attempts))::integer as waiting,
       (count(*) filter (where j.locked_at is not null))::integer as running,
       (count(*) filter (where j.locked_at is null and j.attempts >= j.max_attempts))::integer as dead,
       coalesce(extract(epoch from now() - min(j.run_at) filter (where j.is_available and j.run_at <= now())), 0)::float8
         as "oldestS"
     from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id
     group by t.identifier`,
  );
  return rows;
}

export type JobState = 'running' | 'waiting' | 'dead';

/** A job of an organization that is not done, for people. */
export interface OwnJob {
  readonly id: string;
  /** Without the prefix of organizations' tasks. */
  readonly task: string;
  /** The row that it is about. */
  readonly subject: string | null;
  readonly state: JobState;
  readonly attempts: number;
  readonly maxAttempts: number;
  readonly dueAt: Date;
  readonly addedAt: Date;
  /** A code and a sentence of ours. Null: no attempt has failed, or a worker died in the last one. */
  readonly lastError: string | null;
}

/** A job that is not done, of any organization. */
export interface ListedJob extends OwnJob {
  /** Null: it belongs to none, or that is gone. */
  readonly organization: string | null;
}

export interface JobFilter {
  /** The name of an organization. Undefined: all. */
  readonly organization: string | undefined;
  /** Whether to list only dead letters. */
  readonly isDead: boolean;
  readonly limit: number;
}

/** Lists jobs that are not done, the oldest first. @param db the owner's connection */
export async function listJobs(db: Queryable, { organization, isDead, limit }: JobFilter): Promise<ListedJob[]> {
  const { rows } = await db.query<ListedJob>(
    `select j.id::text as id, o.name as organization, regexp_replace(t.identifier, '^organization:', '') as task,
       j.payload ->> 'id' as subject,
       case when j.locked_at is not null then 'running' when j.attempts < j.max_attempts then 'waiting' else 'dead' end
         as state,
       j.attempts::integer as attempts, j.max_attempts::integer as "maxAttempts", j.run_at as "dueAt",
       j.created_at as "addedAt", j.last_error as "lastError"
     from graphile_worker._private_jobs j
       join graphile_worker._private_tasks t on t.id = j.task_id
       left join chaperone.organizations o on o.organization_id::text = j.payload ->> 'organization'
     where ($1::text is null or o.name = $1::text)
       and (not $2::boolean or (j.attempts >= j.max_attempts and j.locked_at is null))
     order by j.id
     limit $3::integer`,
    [organization ?? null, isDead, limit],
  );
  return rows;
}

/**
 * Gives a dead letter all of its attempts again. @param db the owner's connection
 *
 * @returns whether there is such a dead letter
 */
export async function retryJob(db: Queryable, jobId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update graphile_worker._private_jobs
     set attempts = 0, run_at = now(), flags = flags - 'told', last_error = null, max_attempts = greatest(max_attempts, 10)
     where id = $1::bigint and attempts >= max_attempts and locked_at is null`,
    [jobId],
  );
  return rowCount === 1;
}

/** Which jobs of an organization are wanted. */
export interface OwnJobFilter {
  /** Undefined: any. */
  readonly state: JobState | undefined;
  readonly limit: number;
  readonly offset: number;
}

/** Lists jobs that are not done of the organization whose login `db` has, the oldest first, and counts them. */
export async function listOwnJobs(
  db: Queryable,
  { state, limit, offset }: OwnJobFilter,
): Promise<{ jobs: OwnJob[]; total: number }> {
  const { rows } = await db.query<OwnJob & { total: number }>(
    `select job_id::text as id, task, subject, state, attempts, max_attempts as "maxAttempts", due_at as "dueAt",
       added_at as "addedAt", last_error as "lastError", total::float8 as total
     from chaperone.list_jobs($1::text, $2::integer, $3::integer)`,
    [state ?? null, limit, offset],
  );
  return { jobs: rows.map(({ total: _, ...job }) => job), total: rows[0]?.total ?? 0 };
}

/**
 * Gives a dead letter of the organization whose login `db` has all of its attempts again.
 *
 * @returns its task; undefined where there is no such dead letter
 */
export async function retryOwnJob(db: Queryable, jobId: string): Promise<string | undefined> {
  const { rows } = await db.query<{ task: string | null }>('select chaperone.retry_job($1::bigint) as task', [jobId]);
  return rows[0]?.task ?? undefined;
}
