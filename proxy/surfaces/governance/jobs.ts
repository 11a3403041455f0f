import { type Static, Type } from 'typebox';
import { listJobs, type OwnJob, retryJob } from '../../governance/jobs.ts';
import { page, paging } from '../../http/paging.ts';
import { Nullable, Timestamp } from '../../http/schemas.ts';
import { route } from './route.ts';

const tags = ['Jobs'];
const state = Type.Enum(['waiting', 'running', 'dead'], {
  description: '`waiting`: for its time or its next attempt; `dead`: no attempt is left.',
});

const JobAnswer = Type.Object(
  {
    id: Type.String(),
    task: Type.String({ description: 'What is to be done, such as `deliver-webhook`.' }),
    about: Nullable(Type.String(), 'The id of what it is about, such as an analysis or a delivery.'),
    state,
    attempts: Type.Integer(),
    max_attempts: Type.Integer(),
    due_at: Timestamp,
    added_at: Timestamp,
    last_error: Nullable(Type.String(), 'Why the last attempt has failed; null: none has.'),
  },
  {
    example: {
      ...{ id: '42', task: 'analyze-conversation', about: '123e4567-e89b-12d3-a456-426614174000', state: 'dead' },
      ...{ attempts: 10, max_attempts: 10, due_at: '2026-06-01T15:00:00.000Z', added_at: '2026-06-01T12:00:00.000Z' },
      last_error: 'model_not_allowed: The organization does not allow this model',
    },
  },
);

/** `/v1/jobs`: what workers have to do for the organization. */
export const jobRoutes = [
  route(
    'GET',
    '/jobs',
    {
      ...{ tags, summary: 'List background jobs' },
      description: 'Those that are not done, the oldest first. A job that is done is gone.',
      querystring: Type.Object({ ...paging, state: Type.Optional(state) }),
      problems: ['role_required', 'store_unavailable'],
      roles: 'admin',
      response: { 200: Type.Object({ jobs: Type.Array(JobAnswer), ...page }) },
    },
    async ({ caller, query }, context) => {
      const { limit, offset } = query;
      const { items, total } = await listJobs(context, caller, { limit, offset, state: query.state });
      return { jobs: items.map(show), total, limit, offset };
    },
  ),
  route(
    'POST',
    '/jobs/:id/retry',
    {
      ...{ tags, summary: 'Try a job again' },
      description: 'A job that has no attempt left gets all of its attempts again, and is due at once.',
      params: Type.Object({ id: Type.String() }),
      problems: ['role_required', 'job_not_found', 'store_unavailable'],
      roles: 'admin',
      response: { 202: Type.Object({ id: Type.String() }) },
    },
    async ({ caller, params: { id } }, context) => {
      await retryJob(context, caller, id);
      return { id };
    },
  ),
];

function show({ id, task, subject, state, attempts, maxAttempts, dueAt, addedAt, lastError }: OwnJob) {
  return {
    ...{ id, task, about: subject, state, attempts, max_attempts: maxAttempts },
    ...{ due_at: dueAt.toISOString(), added_at: addedAt.toISOString(), last_error: lastError },
  } satisfies Static<typeof JobAnswer>;
}
