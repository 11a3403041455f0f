import type { Logger } from 'pino';
import { listUntoldDeadJobs, markDeadJobTold } from '../database/jobs.ts';
import type { Queryable } from '../database/queryable.ts';
import { taskOf } from './job-name.ts';
import type { Attempt, JobPayload } from './run-task.ts';
import type { Task } from './task.ts';

export interface DeadJobsOptions {
  readonly db: Queryable;
  readonly tasks: Readonly<Record<string, Task>>;
  readonly gaveUp: (task: Task, payload: JobPayload, attempt: Attempt, lastError: string | null) => Promise<void>;
  readonly signal: AbortSignal;
  readonly log: Logger;
}

/** How long a task that could not be told is left alone. */
const restMs = 60_000;

/**
 * Tells tasks of the jobs that have no attempt left. It goes by the database, not by the failed attempt: the worker may
 * have died in the last one.
 */
export function makeDeadJobs({ db, tasks, gaveUp, signal, log }: DeadJobsOptions) {
  const failedAtTicks = new Map<string, number>();
  return {
    async tell(): Promise<void> {
      for (const { id, task: jobName, organization, subject, attempts, lastError } of await listUntoldDeadJobs(db)) {
        if (performance.now() - (failedAtTicks.get(id) ?? -restMs) < restMs) continue;
        const name = taskOf(jobName);
        const task = tasks[name];
        try {
          if (task && organization !== null && subject !== null) {
            const last = { jobId: id, task: name, number: attempts, isLast: true, signal };
            await gaveUp(task, { organization, id: subject }, last, lastError);
          }
          await markDeadJobTold(db, id);
          failedAtTicks.delete(id);
        } catch (error) {
          failedAtTicks.set(id, performance.now());
          log.warn({ err: error, task: name, job: id }, 'cannot tell a task that its job has no attempt left');
        }
      }
    },
  };
}
