import { type JobState, listOwnJobs, type OwnJob, retryOwnJob } from '../../database/jobs.ts';
import type { Caller } from '../calls/call.ts';
import { ProxyError } from '../error.ts';
import type { GovernanceContext } from './context.ts';
import type { Listed, Page } from './page.ts';
import { recorded } from './recorded.ts';
import { admitRole } from './roles.ts';

export type { OwnJob };

type Context = Pick<GovernanceContext, 'inForce' | 'store'>;

/**
 * Lists the organization's background jobs that are not done, the oldest first, for an admin.
 *
 * @throws {ProxyError} `role_required`, `store_unavailable`
 */
export async function listJobs(
  { store }: Pick<Context, 'store'>,
  caller: Caller,
  filter: Page & { readonly state: JobState | undefined },
): Promise<Listed<OwnJob>> {
  admitRole(caller, 'admin');
  const { jobs, total } = await store.run((db) => listOwnJobs(db, filter));
  return { items: jobs, total };
}

/**
 * Gives a job that has no attempt left all of its attempts again, for an admin.
 *
 * @throws {ProxyError} `role_required`, `job_not_found`, `store_unavailable`
 */
export async function retryJob(context: Context, caller: Caller, id: string): Promise<void> {
  admitRole(caller, 'admin');
  if (!/^[1-9]\d{0,17}$/.test(id)) throw notFound();
  const task = await recorded(
    context,
    caller,
    (db) => retryOwnJob(db, id),
    (retried) => (retried === undefined ? undefined : describe(id, retried)),
  );
  if (task === undefined) throw notFound();
}

function describe(id: string, task: string) {
  return { action: 'retried', subject: `Job/${id}`, changes: [{ field: 'job.task', after: task }] } as const;
}

function notFound(): ProxyError {
  return new ProxyError('job_not_found', { param: 'id' });
}
