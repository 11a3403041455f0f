import { retryJob } from '../database/jobs.ts';
import { chooseInstallation, type InstallationOptions } from './installation.ts';
import { type OwnerDatabase, withOwnerDatabase } from './owner-database.ts';

export interface RetryJobOptions extends InstallationOptions {
  /** The job's id, as `chaperone get jobs` shows it. */
  readonly id: string;
  /** A file with the owner's database URL, instead of an installation. */
  readonly databaseUrlFile?: string;
}

/** `chaperone jobs retry`: gives a job that has no attempt left all of its attempts again. */
export async function retry(options: RetryJobOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const { id, databaseUrlFile } = options;
  const installation = databaseUrlFile === undefined ? chooseInstallation(options, environment) : undefined;
  if (installation?.kind === 'cluster') {
    const { runInOperator } = await import('./cluster/run-in-operator.ts');
    process.exitCode = await runInOperator(installation, ['jobs', 'retry', id]);
    return;
  }
  const database: OwnerDatabase = installation ?? { databaseUrlFile: databaseUrlFile ?? '' };
  const isFound = await withOwnerDatabase(database, 'retry-job', (db) => retryJob(db, id));
  if (!isFound)
    throw new Error(`No job ${id} has failed for good; \`chaperone get jobs --failed\` lists those that have`);
  process.stdout.write(`Job ${id} is tried again.\n`);
}
