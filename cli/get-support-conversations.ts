import { userIdOf } from '../database/ids.ts';
import type { Queryable } from '../database/queryable.ts';
import { listSupportConversations } from '../database/support/conversations.ts';
import { findOrganizations } from './audit/organizations.ts';
import { renderSupportConversations, type SupportLine } from './get/render-support-conversations.ts';
import type { GetRulesOptions } from './get-rules.ts';
import { chooseInstallation } from './installation.ts';
import { type OwnerDatabase, withOwnerDatabase } from './owner-database.ts';

/** How many conversations of an organization are printed, the latest. */
const mostConversations = 100;

/** `chaperone get support-conversations`: prints the latest conversations with the support desk, without what was said. */
export async function getSupportConversations(options: GetRulesOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const { organization, user, output, databaseUrlFile } = options;
  const installation = databaseUrlFile === undefined ? chooseInstallation(options, environment) : undefined;
  if (installation?.kind === 'cluster') {
    const { runInOperator } = await import('./cluster/run-in-operator.ts');
    const named = organization === undefined ? [] : ['--organization', organization];
    const whose = user === undefined ? [] : ['--user', user];
    const command = ['get', 'support-conversations', '--output', output, ...named, ...whose];
    process.exitCode = await runInOperator(installation, command);
    return;
  }
  const database: OwnerDatabase = installation ?? { databaseUrlFile: databaseUrlFile ?? '' };
  const lines = await withOwnerDatabase(database, 'get-support-conversations', (db) =>
    readLines(db, organization, user),
  );
  process.stdout.write(renderSupportConversations(lines, output));
}

async function readLines(db: Queryable, named: string | undefined, user: string | undefined): Promise<SupportLine[]> {
  const lines: SupportLine[] = [];
  for (const { organizationId, name } of await findOrganizations(db, named)) {
    const filter = {
      userId: user === undefined ? null : userIdOf(organizationId, user),
      ...{ status: null, channel: null, assignedAgent: null, reason: null },
    };
    const page = { limit: mostConversations, offset: 0 };
    const { conversations } = await listSupportConversations(db, organizationId, filter, page);
    lines.push(...conversations.map((conversation) => ({ organization: name, conversation })));
  }
  return lines;
}
