import { randomHex } from '../../../../database/ids.ts';
import type { Queryable } from '../../../../database/queryable.ts';
import { toStorable } from '../../../../database/storable.ts';
import {
  countOpenTrainingJobs,
  findTrainingJob as findRow,
  insertTrainingJob,
  listTrainingJobs as listRows,
  medianTrainingMs,
  readTrainingLog,
  requestTrainingCancel,
  type TrainingJobRow,
  type TrainingOrder,
  type TrainingStatus,
} from '../../../../database/training/jobs.ts';
import { lockTraining } from '../../../../database/training/lock.ts';
import type { Caller } from '../../../calls/call.ts';
import { ProxyError } from '../../../error.ts';
import type { GovernanceContext } from '../../context.ts';
import type { Listed, Page } from '../../page.ts';
import { recorded } from '../../recorded.ts';
import { admitRole } from '../../roles.ts';
import { requireAtMost, requireBaseModel, requireDataUri, requireTraining, wrong } from './terms.ts';

type Context = Pick<GovernanceContext, 'inForce' | 'store'>;

export type TrainingJob = TrainingJobRow;

/** What is asked for. */
export interface NewTrainingJob extends Pick<TrainingOrder, 'baseModel' | 'trainingDataUri' | 'hyperparameters'> {
  readonly validationDataUri?: string | undefined;
  readonly instanceCount: number;
  /** Absent: the organization's first. */
  readonly instanceType?: string | undefined;
}

export interface StartedTrainingJob {
  readonly job: TrainingJob;
  /** By the jobs of the same base model before. Undefined: there is none. */
  readonly estimatedMs: number | undefined;
}

/**
 * Asks the operator for a training job, for an admin.
 *
 * @throws {ProxyError} `role_required`, `training_unavailable`, `invalid_request`, `training_quota_reached`,
 * `store_unavailable`
 */
export async function startTraining(
  context: Context,
  caller: Caller,
  asked: NewTrainingJob,
): Promise<StartedTrainingJob> {
  admitRole(caller, 'admin');
  const order = orderOf(context, asked);
  const { organizationId } = context.inForce().snapshot;
  const most = requireTraining(context).maxJobs ?? 2;
  const estimatedMs = await recorded(
    context,
    caller,
    async (db) => {
      await requirePlace(db, organizationId, most);
      await insertTrainingJob(db, organizationId, order);
      return medianTrainingMs(db, organizationId, order.baseModel);
    },
    () => ({ action: 'created', subject: subjectOf(order.jobId), changes: changesOf(order) }),
  );
  return { job: await find(context, order.jobId), estimatedMs };
}

/** @throws {ProxyError} `role_required`, `training_job_not_found`, `store_unavailable` */
export async function getTrainingJob(context: Context, caller: Caller, jobId: string): Promise<TrainingJob> {
  admitRole(caller, 'analyst');
  return find(context, jobId);
}

/** Lists jobs, the latest first. @throws {ProxyError} `role_required`, `store_unavailable` */
export async function listTrainingJobs(
  { inForce, store }: Context,
  caller: Caller,
  asked: Page & { readonly status?: TrainingStatus | undefined },
): Promise<Listed<TrainingJob>> {
  admitRole(caller, 'analyst');
  const { organizationId } = inForce().snapshot;
  const { jobs, total } = await store.run((db) => listRows(db, organizationId, asked));
  return { items: jobs, total };
}

/** The end of what the first pod has printed. @throws {ProxyError} as `getTrainingJob` */
export async function readTrainingLogs({ inForce, store }: Context, caller: Caller, jobId: string): Promise<string> {
  admitRole(caller, 'analyst');
  const { organizationId } = inForce().snapshot;
  const log = await store.run((db) => readTrainingLog(db, organizationId, toStorable(jobId)));
  if (log === undefined) throw notFound();
  return log;
}

/**
 * Asks the operator to end a job, for an admin. What it has learnt stays in its checkpoint.
 *
 * @throws {ProxyError} `training_job_ended`, and as `getTrainingJob`
 */
export async function cancelTraining(context: Context, caller: Caller, jobId: string): Promise<TrainingJob> {
  admitRole(caller, 'admin');
  const { organizationId } = context.inForce().snapshot;
  const job = await find(context, jobId);
  const isAsked = await recorded(
    context,
    caller,
    (db) => requestTrainingCancel(db, organizationId, job.jobId),
    (done) => (done ? { action: 'deleted', subject: subjectOf(job.jobId), changes: [] } : undefined),
  );
  if (!isAsked) throw new ProxyError('training_job_ended', { details: { status: job.status } });
  return find(context, jobId);
}

function orderOf(context: Context, asked: NewTrainingJob): TrainingOrder {
  const training = requireTraining(context);
  const { baseModel, trainingDataUri, validationDataUri, hyperparameters, instanceCount } = asked;
  requireBaseModel(training, 'base_model', baseModel);
  requireDataUri(training, 'training_data_uri', trainingDataUri);
  if (validationDataUri !== undefined) requireDataUri(training, 'validation_data_uri', validationDataUri);
  requireAtMost('instance_count', instanceCount, training.maxInstances ?? 8);
  const names = training.instanceTypes.map(({ name }) => name);
  const instanceType = asked.instanceType ?? names[0] ?? '';
  if (!names.includes(instanceType)) throw wrong('instance_type', `must be one of ${names.join(', ')}`);
  const jobId = `train-${new Date().toISOString().slice(0, 10)}-${randomHex(5)}`;
  const modelOutputUri = `${training.modelStore}${jobId}/`;
  return {
    ...{ jobId, baseModel, trainingDataUri, validationDataUri: validationDataUri ?? null, hyperparameters },
    ...{ instanceCount, instanceType, modelOutputUri },
  };
}

async function requirePlace(db: Queryable, organizationId: string, most: number): Promise<void> {
  await lockTraining(db, organizationId);
  const open = await countOpenTrainingJobs(db, organizationId);
  if (open < most) return;
  const message = `${open} training jobs are under way, and the organization may have ${most}; wait for one, or cancel it`;
  throw new ProxyError('training_quota_reached', { message });
}

async function find({ inForce, store }: Context, jobId: string): Promise<TrainingJob> {
  const { organizationId } = inForce().snapshot;
  const job = await store.run((db) => findRow(db, organizationId, toStorable(jobId)));
  if (!job) throw notFound();
  return job;
}

function notFound(): ProxyError {
  return new ProxyError('training_job_not_found', { param: 'job_id' });
}

function subjectOf(jobId: string): string {
  return `TrainingJob/${jobId}`;
}

function changesOf({ baseModel, trainingDataUri, instanceCount, instanceType }: TrainingOrder) {
  return [
    { field: 'training_job.base_model', after: baseModel },
    { field: 'training_job.training_data_uri', after: trainingDataUri },
    { field: 'training_job.instances', after: `${instanceCount} × ${instanceType}` },
  ];
}
