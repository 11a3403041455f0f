import { foldUsageOf } from '../database/analytics/fold.ts';
import { userIdOf } from '../database/ids.ts';
import type { Queryable } from '../database/queryable.ts';
import { readLatestSessions } from '../database/speech/latest.ts';
import { findOrganizations } from './audit/organizations.ts';
import { renderSessions, type SessionLine } from './get/render-sessions.ts';
import type { GetRulesOptions } from './get-rules.ts';
import { chooseInstallation } from './installation.ts';
import { type OwnerDatabase, withOwnerDatabase } from './owner-database.ts';

/** How many sessions of an organization are printed, the latest. */
const mostSessions = 100;

/** `chaperone get sessions`: prints what the latest sessions cost, how they went, and what users think of them. */
export async function getSessions(options: GetRulesOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const { organization, user, output, databaseUrlFile } = options;
  const installation = databaseUrlFile === undefined ? chooseInstallation(options, environment) : undefined;
  if (installation?.kind === 'cluster') {
    const { runInOperator } = await import('./cluster/run-in-operator.ts');
    const named = organization === undefined ? [] : ['--organization', organization];
    const whose = user === undefined ? [] : ['--user', user];
    const command = ['get', 'sessions', '--output', output, ...named, ...whose];
    process.exitCode = await runInOperator(installation, command);
    return;
  }
  const database: OwnerDatabase = installation ?? { databaseUrlFile: databaseUrlFile ?? '' };
  const lines = await withOwnerDatabase(database, 'get-sessions', (db) => readLines(db, organization, user));
  process.stdout.write(renderSessions(lines, output));
}

async function readLines(db: Queryable, named: string | undefined, user: string | undefined): Promise<SessionLine[]> {
  const lines: SessionLine[] = [];
  for (const { organizationId, name } of await findOrganizations(db, named)) {
    const userId = user === undefined ? null : userIdOf(organizationId, user);
    // Proxies fold new calls only every some seconds.
    await foldUsageOf(db, organizationId);
    const sessions = await readLatestSessions(db, organizationId, { userId, limit: mostSessions });
    lines.push(...sessions.map((session) => ({ organization: name, session })));
  }
  return lines;
}
