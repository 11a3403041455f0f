import { html, type TemplateResult } from 'lit/html.js';
import { count } from '../data/format.ts';
import { definePage, type View } from '../page.ts';
import { stateBadge } from '../parts/badge.ts';
import { showEmpty } from '../parts/empty.ts';
import { type FilterField, pageOf, showFilters, showPager } from '../parts/filters.ts';
import { ago } from '../parts/moment.ts';
import { showTable } from '../parts/table.ts';

interface Job {
  readonly id: string;
  readonly task: string;
  readonly about: string | null;
  readonly state: 'waiting' | 'running' | 'dead';
  readonly attempts: number;
  readonly max_attempts: number;
  readonly due_at: string;
  readonly added_at: string;
  readonly last_error: string | null;
}

interface Jobs {
  readonly jobs: readonly Job[];
  readonly total: number;
}

const filters: readonly FilterField[] = [
  {
    ...{ kind: 'choice', name: 'state', label: 'State' },
    options: [
      ['', 'Any'],
      ['waiting', 'Waiting'],
      ['running', 'Running'],
      ['dead', 'Failed for good'],
    ],
  },
];

export const jobs = definePage<Jobs>({
  path: '/jobs',
  title: 'Jobs',
  about: 'What workers have to do: analyses, deliveries, indexing. A job that is done is gone.',
  roles: ['admin'],
  topics: ['jobs'],
  load: ({ api, query }) => api.get<Jobs>('/v1/jobs', { state: query.state, ...pageOf(query) }),
  show: (data, view) => html`${showFilters(view, filters)}
    ${data.jobs.length === 0 ? showNone(view) : showJobs(data.jobs, view)}
    ${showPager(view, { total: data.total, ...pageOf(view.query) })}`,
});

function showNone({ query }: View): TemplateResult {
  if (query.state === 'dead')
    return showEmpty('No job has failed for good', 'A job is tried several times before it is here.');
  return query.state === undefined
    ? showEmpty('No jobs wait', 'Workers have done all that there was to do.')
    : showEmpty('No job is like this', 'Change or clear the filter.');
}

function showJobs(rows: readonly Job[], view: View): TemplateResult {
  return showTable(
    'Jobs, the oldest first',
    [
      { label: 'Job', isFigure: true, isExtra: true, show: (job) => html`<span class="muted">${job.id}</span>` },
      { label: 'Task', show: (job) => html`<span class="strong">${job.task}</span>` },
      { label: 'About', isExtra: true, show: (job) => html`<code class="cut">${job.about ?? '–'}</code>` },
      { label: 'State', show: (job) => stateBadge(job.state) },
      { label: 'Attempts', isFigure: true, show: (job) => `${count(job.attempts)} of ${count(job.max_attempts)}` },
      { label: 'Added', isFigure: true, isExtra: true, show: (job) => ago(job.added_at) },
      { label: 'Due', isFigure: true, isExtra: true, show: (job) => (job.state === 'waiting' ? ago(job.due_at) : '–') },
      {
        label: 'Last error',
        show: (job) => html`<span class="cut wide" title=${job.last_error ?? ''}>${job.last_error ?? '–'}</span>`,
      },
      { label: 'Actions', show: (job) => showRetry(job, view) },
    ],
    rows,
    { key: ({ id }) => id, rowClass: ({ state }) => (state === 'dead' ? 'failed' : '') },
  );
}

function showRetry(job: Job, view: View): unknown {
  if (job.state !== 'dead') return '';
  const retry = () =>
    view.act(async () => {
      await view.api.send('POST', `/v1/jobs/${job.id}/retry`);
      await view.reload();
    }, `Job ${job.id} is tried again`);
  return html`<button type="button" aria-label="Try again: job ${job.id}" ?disabled=${view.isBusy} @click=${retry}>Try again</button>`;
}
