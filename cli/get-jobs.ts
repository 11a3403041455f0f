import { type ListedJob, listJobs } from '../database/jobs.ts';
import { renderJobs } from './get/render-jobs.ts';
import type { RulesFormat } from './get/render-rules.ts';
import { chooseInstallation, type InstallationOptions } from './installation.ts';
import { type OwnerDatabase, withOwnerDatabase } from './owner-database.ts';

export interface GetJobsOptions extends InstallationOptions {
  /** Absent: all of them. */
  readonly organization?: string;
  /** Only dead letters. */
  readonly failed?: boolean;
  readonly output: RulesFormat;
  /** A file with the owner's database URL, instead of an installation. */
  readonly databaseUrlFile?: string;
}

const mostJobs = 1_000;

/** `chaperone get jobs`: prints the background jobs that are not done. */
export async function getJobs(options: GetJobsOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const { organization, failed = false, output, databaseUrlFile } = options;
  const installation = databaseUrlFile === undefined ? chooseInstallation(options, environment) : undefined;
  if (installation?.kind === 'cluster') {
    const { runInOperator } = await import('./cluster/run-in-operator.ts');
    const named = organization === undefined ? [] : ['--organization', organization];
    const command = ['get', 'jobs', '--output', output, ...named, ...(failed ? ['--failed'] : [])];
    process.exitCode = await runInOperator(installation, command);
    return;
  }
  const database: OwnerDatabase = installation ?? { databaseUrlFile: databaseUrlFile ?? '' };
  const jobs: ListedJob[] = await withOwnerDatabase(database, 'get-jobs', (db) =>
    listJobs(db, { organization, isDead: failed, limit: mostJobs }),
  );
  process.stdout.write(renderJobs(jobs, output, failed));
}
