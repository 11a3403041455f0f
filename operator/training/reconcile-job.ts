import { isDeepStrictEqual } from 'node:util';
import type { TrainingSpec } from '../../crds/training.ts';
import { dataStoresOf, findTrainer, isInStores } from '../../crds/training.ts';
import type { Queryable } from '../../database/queryable.ts';
import { toStorable } from '../../database/storable.ts';
import { noteTraining, type TrainingJobRow, type TrainingObservation } from '../../database/training/jobs.ts';
import { ApiError } from '../cluster/kubernetes/api-error.ts';
import { type JobTerms, makeJob, makeJobService } from './job-objects.ts';
import { jobLabel, type TrainingOwner } from './names.ts';
import { isMadeFor, type StatefulObject, type TrainingObjects, type TrainingPod } from './objects.ts';
import { observeJob } from './observe.ts';
import { instanceOf } from './pod.ts';
import { readLog } from './read-log.ts';
import type { TrainingSettings } from './settings.ts';
import { makeTrainJob, trainJobForms } from './train-job.ts';

export interface TrainingContext {
  readonly db: Queryable;
  readonly objects: TrainingObjects;
  readonly settings: TrainingSettings;
  /** When the log of a job was stored last, and its end. */
  readonly logs: Map<string, { readonly atMs: number; readonly tail: string }>;
}

/** The Organization of a job or a deployment. */
export interface TrainingOrganization {
  readonly organizationId: string;
  readonly owner: TrainingOwner;
  readonly spec: TrainingSpec;
}

/** Jobs beyond the quota wait for their turn. */
export async function reconcileJobs(
  context: TrainingContext,
  organization: TrainingOrganization,
  jobs: readonly TrainingJobRow[],
): Promise<void> {
  const most = organization.spec.maxJobs ?? 2;
  for (const [place, job] of jobs.entries()) {
    const seen = await observe(context, organization, job, place < most).catch(
      (error: unknown): TrainingObservation => {
        // A quota of the namespace, or an admission policy. Anything else is tried again.
        if (!(error instanceof ApiError && [400, 403, 422].includes(error.status))) throw error;
        return { status: job.status, message: `The API server refuses it: ${error.message}` };
      },
    );
    if (!isNews(job, seen) && !isLogNews(context, job, seen)) continue;
    await noteTraining(context.db, organization.organizationId, job.jobId, storable(seen));
    if (seen.log !== undefined) context.logs.set(job.jobId, { atMs: Date.now(), tail: seen.log });
  }
}

const logPauseMs = 10_000;

/** A log is stored with any other news, else from time to time. */
function isLogNews({ logs }: TrainingContext, { jobId }: TrainingJobRow, { log }: TrainingObservation): boolean {
  const known = logs.get(jobId);
  return log !== undefined && log !== known?.tail && Date.now() - (known?.atMs ?? 0) >= logPauseMs;
}

async function observe(
  context: TrainingContext,
  organization: TrainingOrganization,
  job: TrainingJobRow,
  hasTurn: boolean,
): Promise<TrainingObservation> {
  const { objects } = context;
  const { spec, owner } = organization;
  const place = { namespace: spec.namespace, name: job.jobId };
  if (job.cancelRequestedAt) return cancel(context, organization, job);
  const found = await findJob(objects, place);
  if (found && !isMadeFor(found.object, owner.uid)) {
    return { status: 'FAILED', message: `Another ${found.kind} ${place.namespace}/${place.name} is in the way` };
  }
  if (!found) {
    const why = whyRefused(spec, job);
    if (why) return { status: 'FAILED', message: why };
    if (!hasTurn)
      return { status: 'STARTING', message: `It waits until one of ${spec.maxJobs ?? 2} other jobs has ended` };
  }
  const terms: JobTerms = { owner, spec, settings: context.settings, order: job };
  const made = found ?? (await create(objects, terms));
  if (typeof made === 'string') return { status: 'STARTING', message: made };
  const { kind, object } = made;
  // The Service is made after the Job, which owns it.
  if (kind === 'Job' && !(await objects.find('Service', place))) {
    await objects.apply(makeJobService(terms, object.metadata.uid));
  }
  const pods = await podsOf(objects, place);
  const log = await readFirstLog(objects, pods);
  return observeJob(object, pods, log === undefined ? undefined : readLog(log));
}

async function cancel(
  { objects }: TrainingContext,
  { spec, owner }: TrainingOrganization,
  { jobId }: TrainingJobRow,
): Promise<TrainingObservation> {
  const place = { namespace: spec.namespace, name: jobId };
  const log = await readFirstLog(objects, await podsOf(objects, place));
  let isGone = await objects.remove('Job', place, owner.uid);
  if (await objects.has('TrainJob')) isGone = (await objects.remove('TrainJob', place, owner.uid)) && isGone;
  const isOver = isGone && (await podsOf(objects, place)).every(hasEnded);
  const read = log === undefined ? undefined : readLog(log);
  return { status: isOver ? 'CANCELLED' : 'CANCELLING', message: null, progress: read?.progress, log: read?.tail };
}

function hasEnded({ status }: TrainingPod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

/** A row comes from a proxy, which may be in the wrong hands. */
function whyRefused(spec: TrainingSpec, job: TrainingJobRow): string | undefined {
  const data = [job.trainingDataUri, ...(job.validationDataUri === null ? [] : [job.validationDataUri])];
  const outside = data.find((uri) => !isInStores(uri, dataStoresOf(spec)));
  if (outside !== undefined) return `${outside} is in none of spec.training.dataStores`;
  if (!isInStores(job.modelOutputUri, [spec.modelStore]))
    return 'The model would be outside of spec.training.modelStore';
  if (!instanceOf(spec, job.instanceType)) return `spec.training.instanceTypes has no ${job.instanceType}`;
  if (!findTrainer(spec, job.baseModel)) return `spec.training.trainers has no ${job.baseModel}`;
  if (job.instanceCount > (spec.maxInstances ?? 8)) return 'It has more pods than spec.training.maxInstances';
  return undefined;
}

async function findJob(objects: TrainingObjects, place: { readonly namespace: string; readonly name: string }) {
  const job = await objects.find('Job', place);
  if (job) return { kind: 'Job' as const, object: job };
  const trainJob = (await objects.has('TrainJob')) ? await objects.find('TrainJob', place) : undefined;
  return trainJob && { kind: 'TrainJob' as const, object: trainJob };
}

/** @returns the object, or why there is none yet */
async function create(
  objects: TrainingObjects,
  terms: JobTerms,
): Promise<{ readonly kind: 'Job' | 'TrainJob'; readonly object: StatefulObject } | string> {
  if (!(await objects.has('TrainJob'))) return { kind: 'Job', object: await objects.apply(makeJob(terms)) };
  const fields = await objects.fieldsOf('TrainJob');
  const form = trainJobForms.find((one) => fields.includes(one));
  if (!form) return `The TrainJob of this cluster has none of the fields ${trainJobForms.join(', ')}`;
  return { kind: 'TrainJob', object: await objects.apply(makeTrainJob(terms, form)) };
}

async function podsOf(
  objects: TrainingObjects,
  { namespace, name }: { readonly namespace: string; readonly name: string },
) {
  const own = await objects.pods(namespace, `${jobLabel}=${name}`);
  // Those of a TrainJob belong to a JobSet of its name.
  return own.length > 0 ? own : objects.pods(namespace, `jobset.sigs.k8s.io/jobset-name=${name}`);
}

const indexLabel = 'batch.kubernetes.io/job-completion-index';

/** The log of the first pod, which reports: of the one that was made last, should it have been replaced. */
async function readFirstLog(objects: TrainingObjects, pods: readonly TrainingPod[]): Promise<string | undefined> {
  const [first] = pods
    .filter(({ metadata }) => (metadata.labels?.[indexLabel] ?? '0') === '0')
    .sort((one, other) => other.metadata.creationTimestamp.localeCompare(one.metadata.creationTimestamp));
  if (!first || first.status?.phase === 'Pending') return undefined;
  const { name, namespace = '' } = first.metadata;
  return objects.log({ namespace, name }, undefined);
}

function isNews(job: TrainingJobRow, seen: TrainingObservation): boolean {
  if (seen.status !== job.status || seen.message !== job.message) return true;
  return seen.progress !== undefined && !isDeepStrictEqual(seen.progress, job.progress);
}

function storable(seen: TrainingObservation): TrainingObservation {
  return {
    ...seen,
    message: seen.message === null ? null : toStorable(seen.message),
    log: seen.log === undefined ? undefined : toStorable(seen.log),
  };
}
