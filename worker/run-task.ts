import type { Logger } from 'pino';
import { addJob } from '../database/jobs.ts';
import type { InFlight } from '../proxy/in-flight.ts';
import { makeTaskAsk } from './ask.ts';
import { describeFailure, JobError } from './job-error.ts';
import type { Organizations, WorkerOrganization } from './organizations.ts';
import type { Task, TaskContext, TaskWorker } from './task.ts';

/** A job's payload: ids of rows only. */
export interface JobPayload {
  readonly organization: string;
  readonly id: string;
}

export interface RunTaskOptions {
  readonly organizations: Organizations;
  readonly inFlight: InFlight;
  readonly worker: TaskWorker;
  /** The id under which this worker says that it is alive. */
  readonly workerId: () => string;
  readonly log: Logger;
}

/** An attempt of a job. */
export interface Attempt {
  readonly jobId: string;
  readonly task: string;
  readonly number: number;
  readonly isLast: boolean;
  readonly signal: AbortSignal;
  /** The header `traceparent` of the calls that it makes. Absent: it is not recorded. */
  readonly traceParent?: string | undefined;
}

/** Makes the function that runs a task for its organization. */
export function makeRunTask({ organizations, inFlight, worker, workerId, log }: RunTaskOptions) {
  const contextOf = (organization: WorkerOrganization, attempt: Attempt): TaskContext => {
    const { jobId, signal, number, isLast, task, traceParent } = attempt;
    return {
      worker,
      organization,
      job: { id: jobId, attempt: number, isLastAttempt: isLast },
      signal,
      log: log.child({ organization: organization.name, task, job: jobId }),
      ask: makeTaskAsk({ organization, jobId, workerId: workerId(), inFlight, signal, traceParent }),
      addJob: (job) => organization.store.run((db) => addJob(db, job)),
    };
  };
  return {
    /** @throws what the task throws, or why the worker has to stop it */
    run: (task: Task, payload: JobPayload, attempt: Attempt): Promise<void> =>
      organizations.use(payload.organization, async (organization) => {
        attempt.signal.throwIfAborted();
        await untilAborted(attempt.signal, task.run(contextOf(organization, attempt), payload.id));
      }),
    /** Tells the task that no further attempt follows. */
    gaveUp: (task: Task, payload: JobPayload, attempt: Attempt, lastError: string | null): Promise<void> =>
      organizations.use(payload.organization, async (organization) => {
        await task.gaveUp?.(contextOf(organization, attempt), payload.id, readFailure(lastError));
      }),
  };
}

/** A job that is no longer this worker's must not be finished by it, whatever the task does with the signal. */
async function untilAborted(signal: AbortSignal, work: Promise<void>): Promise<void> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(new JobError('worker_stopped', 'The worker stopped in the middle of it'));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    work.catch(() => {});
  }
}

/** The text that the database keeps of a failure. */
export function writeFailure(error: unknown): string {
  const { code, message } = describeFailure(error);
  return `${code}: ${message}`;
}

function readFailure(text: string | null) {
  const [, code, message] = /^([a-z_]+): ([\s\S]*)$/.exec(text ?? '') ?? [];
  return {
    code: code ?? 'worker_killed',
    message: message ?? 'The worker ended in the middle of the last attempt',
    isFinal: true,
  };
}
