import { type Static, Type } from 'typebox';
import type { ProblemCode } from '../../error.ts';
import type { GovernanceContext } from '../../governance/context.ts';
import {
  cancelTraining,
  getTrainingJob,
  listTrainingJobs,
  readTrainingLogs,
  startTraining,
  type TrainingJob,
} from '../../governance/insights/training/jobs.ts';
import type { Route } from '../../http/route.ts';
import { Nullable, Timestamp } from '../../http/schemas.ts';
import { answer, Enveloped } from './answer.ts';
import { ownAddress } from './own-address.ts';
import { route } from './route.ts';

const tags = ['Training'];
const strict = { additionalProperties: false };
const uri = Type.String({ pattern: '^(s3|pvc)://', maxLength: 1_024 });
const jobId = Type.String({ minLength: 1, maxLength: 64, description: 'It begins with `train-`.' });
const status = Type.Enum(['STARTING', 'IN_PROGRESS', 'CANCELLING', 'COMPLETED', 'FAILED', 'CANCELLED']);
const problems: readonly ProblemCode[] = ['surface_not_allowed', 'role_required', 'store_unavailable'];

const example = {
  base_model: 'customerai-classifier',
  training_data_uri: 's3://acme-data/sentiment/train.csv',
  validation_data_uri: 's3://acme-data/sentiment/validation.csv',
  hyperparameters: { epochs: 3, batch_size: 16 },
  instance_count: 4,
};

const Asked = Type.Object(
  {
    base_model: Type.String({
      minLength: 1,
      maxLength: 128,
      description: '`customerai-classifier`, the built-in text classifier, or one of `spec.training.trainers`.',
    }),
    training_data_uri: Type.String({ ...uri, description: 'Below one of `spec.training.dataStores`.' }),
    validation_data_uri: Type.Optional(
      Type.String({ ...uri, description: 'Absent: the built-in trainer holds out a tenth of the training data.' }),
    ),
    hyperparameters: Type.Optional(
      Type.Record(Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_.-]{0,63}$' }), Type.Unknown(), {
        maxProperties: 64,
        description: 'The trainer gets them as they are.',
      }),
    ),
    instance_count: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000, default: 1 })),
    instance_type: Type.Optional(
      Type.String({ minLength: 1, maxLength: 63, description: 'Absent: the first of `spec.training.instanceTypes`.' }),
    ),
  },
  { ...strict, example },
);

const Progress = Type.Object({
  current_epoch: Type.Integer(),
  total_epochs: Type.Integer(),
  current_step: Type.Integer(),
  total_steps: Type.Integer(),
  metrics: Type.Record(Type.String(), Type.Number(), {
    description: 'Such as `train_loss` and `validation_accuracy`.',
  }),
});

const Job = Type.Object({
  job_id: jobId,
  status,
  message: Nullable(Type.String(), 'What a person should know of the status.'),
  progress: Progress,
  estimated_completion: Nullable(Timestamp, 'By the steps so far. Null: nothing is known.'),
  base_model: Type.String(),
  training_data_uri: Type.String(),
  validation_data_uri: Nullable(Type.String()),
  hyperparameters: Type.Record(Type.String(), Type.Unknown()),
  instance_count: Type.Integer(),
  instance_type: Type.String(),
  model_output_uri: Type.String(),
  logs_uri: Type.String(),
  created_at: Timestamp,
  started_at: Nullable(Timestamp),
  completed_at: Nullable(Timestamp),
});

const Started = Type.Object({
  job_id: jobId,
  status,
  estimated_time: Type.String({ description: 'By the jobs of this base model before, or `unknown`.' }),
  model_output_uri: Type.String(),
  logs_uri: Type.String(),
});

const start = route(
  'POST',
  '/ai/distributed-training',
  {
    tags,
    summary: 'Train a model on several pods',
    description: 'In the cluster, by a Job that the operator makes. For admins.',
    body: Asked,
    problems: [...problems, 'training_unavailable', 'training_quota_reached'],
    roles: 'admin',
    response: { 200: Enveloped(Started) },
  },
  async ({ caller, body, raw }, context) => {
    const { job, estimatedMs } = await startTraining(context, caller, {
      baseModel: body.base_model,
      trainingDataUri: body.training_data_uri,
      validationDataUri: body.validation_data_uri,
      hyperparameters: body.hyperparameters ?? {},
      instanceCount: body.instance_count ?? 1,
      instanceType: body.instance_type,
    });
    return answer({
      job_id: job.jobId,
      status: job.status,
      estimated_time: estimatedMs === undefined ? 'unknown' : inWords(estimatedMs),
      model_output_uri: job.modelOutputUri,
      logs_uri: logsUri(ownAddress(raw), job),
    });
  },
);

const get = route(
  'GET',
  '/ai/training-job/:job_id',
  {
    tags,
    summary: 'Get a training job',
    description: 'For analysts.',
    params: Type.Object({ job_id: jobId }),
    problems: [...problems, 'training_job_not_found'],
    roles: 'analyst, admin',
    response: { 200: Enveloped(Job) },
  },
  async ({ caller, params, raw }, context) =>
    answer(showJob(await getTrainingJob(context, caller, params.job_id), ownAddress(raw))),
);

const list = route(
  'GET',
  '/ai/training-jobs',
  {
    tags,
    summary: 'List training jobs',
    description: 'The latest first. For analysts.',
    querystring: Type.Object({
      status: Type.Optional(status),
      limit: Type.Integer({ minimum: 1, maximum: 200, default: 50 }),
      offset: Type.Integer({ minimum: 0, maximum: 1_000_000, default: 0 }),
    }),
    problems,
    roles: 'analyst, admin',
    response: {
      200: Enveloped(
        Type.Object({
          jobs: Type.Array(Job),
          total: Type.Integer(),
          limit: Type.Integer(),
          offset: Type.Integer(),
        }),
      ),
    },
  },
  async ({ caller, query, raw }, context) => {
    const { items, total } = await listTrainingJobs(context, caller, query);
    const jobs = items.map((job) => showJob(job, ownAddress(raw)));
    return answer({ jobs, total, limit: query.limit, offset: query.offset });
  },
);

const cancel = route(
  'POST',
  '/ai/training-job/:job_id/cancel',
  {
    tags,
    summary: 'Cancel a training job',
    description: 'Its pods end; its checkpoint stays. For admins.',
    params: Type.Object({ job_id: jobId }),
    body: Type.Optional(Type.Union([Type.Null(), Type.Object({}, strict)])),
    problems: [...problems, 'training_job_not_found', 'training_job_ended'],
    roles: 'admin',
    response: { 200: Enveloped(Job) },
  },
  async ({ caller, params, raw }, context) =>
    answer(showJob(await cancelTraining(context, caller, params.job_id), ownAddress(raw))),
);

/** A text, so that it can be read as it is. */
const logs: Route<GovernanceContext> = (app, context) => {
  app.route({
    method: 'GET',
    url: '/ai/training-job/:job_id/logs',
    schema: {
      tags,
      summary: 'Read the log of a training job',
      description: 'The end of what its first pod has printed. For analysts.',
      params: Type.Object({ job_id: jobId }),
      problems: [...problems, 'training_job_not_found'],
      roles: 'analyst, admin',
      response: { 200: { content: { 'text/plain': { schema: Type.String() } } } },
    },
    async handler({ caller, params }, reply) {
      const text = await readTrainingLogs(context, caller, params.job_id);
      return reply.header('content-type', 'text/plain; charset=utf-8').send(text);
    },
  });
};

/** `/api/v1/ai/distributed-training`, `/api/v1/ai/training-job` */
export const trainingRoutes: readonly Route<GovernanceContext>[] = [start, get, list, cancel, logs];

const nothingYet = { current_epoch: 0, total_epochs: 0, current_step: 0, total_steps: 0, metrics: {} };

function showJob(job: TrainingJob, address: string): Static<typeof Job> {
  return {
    job_id: job.jobId,
    status: job.status,
    message: job.message,
    progress: { ...(job.progress ?? nothingYet) },
    estimated_completion: estimate(job),
    base_model: job.baseModel,
    training_data_uri: job.trainingDataUri,
    validation_data_uri: job.validationDataUri,
    hyperparameters: { ...job.hyperparameters },
    instance_count: job.instanceCount,
    instance_type: job.instanceType,
    model_output_uri: job.modelOutputUri,
    logs_uri: logsUri(address, job),
    created_at: job.createdAt.toISOString(),
    started_at: job.startedAt?.toISOString() ?? null,
    completed_at: job.completedAt?.toISOString() ?? null,
  };
}

function logsUri(address: string, { jobId: id }: TrainingJob): string {
  return `${address}/api/v1/ai/training-job/${id}/logs`;
}

/** As if the steps that are left took as long as those before. */
function estimate({ status: now, progress, startedAt }: TrainingJob): string | null {
  if (now !== 'IN_PROGRESS' || !startedAt || !progress || progress.current_step === 0) return null;
  const { current_step: done, total_steps: all } = progress;
  if (all < done) return null;
  const tookMs = Date.now() - startedAt.getTime();
  return new Date(startedAt.getTime() + (tookMs * all) / done).toISOString();
}

function inWords(ms: number): string {
  const minutes = Math.max(1, Math.round(ms / 60_000));
  return minutes === 1 ? '1 minute' : `${minutes} minutes`;
}
