/** The prefix that `chaperone.add_job` gives to tasks of organizations. So a tenant can add no chore. */
const prefix = 'organization:';

/** The name of a task in the database. */
export function jobNameOf(task: string): string {
  return `${prefix}${task}`;
}

/** The name without the prefix, for people and metrics. */
export function taskOf(jobName: string): string {
  return jobName.startsWith(prefix) ? jobName.slice(prefix.length) : jobName;
}

/** The name of a chore in the database. No tenant can add one. */
export function choreNameOf(chore: string): string {
  return `chore:${chore}`;
}
