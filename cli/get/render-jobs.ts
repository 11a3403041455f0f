import type { ListedJob } from '../../database/jobs.ts';
import type { RulesFormat } from './render-rules.ts';

/** Shows jobs as a table, or as JSON. */
export function renderJobs(jobs: readonly ListedJob[], format: RulesFormat, onlyFailed: boolean): string {
  if (format === 'json') return `${JSON.stringify({ jobs: jobs.map(toJson) })}\n`;
  if (jobs.length === 0) return onlyFailed ? 'No job has failed for good.\n' : 'No jobs wait.\n';
  const head = ['ID', 'ORGANIZATION', 'TASK', 'ABOUT', 'STATE', 'ATTEMPTS', 'DUE', 'LAST ERROR'];
  return align([head, ...jobs.map(toCells)]);
}

function toJson({
  id,
  organization,
  task,
  subject,
  state,
  attempts,
  maxAttempts,
  dueAt,
  addedAt,
  lastError,
}: ListedJob) {
  return {
    ...{ id, organization, task, about: subject, state, attempts, max_attempts: maxAttempts },
    due_at: dueAt.toISOString(),
    added_at: addedAt.toISOString(),
    last_error: lastError,
  };
}

function toCells(job: ListedJob): string[] {
  return [
    job.id,
    job.organization ?? '',
    job.task,
    job.subject ?? '',
    job.state,
    `${job.attempts}/${job.maxAttempts}`,
    job.state === 'dead' ? '' : job.dueAt.toISOString().replace(/\.\d+Z$/, 'Z'),
    toLine(job.lastError ?? ''),
  ];
}

/** Nothing in it may move the cursor. */
function toLine(text: string): string {
  return text.replaceAll(/\p{C}/gu, '\ufffd');
}

function align(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => row.map((cell, column) => cell.padEnd((widths[column] ?? 0) + 3)).join('');
  return `${rows.map((row) => line(row).trimEnd()).join('\n')}\n`;
}
