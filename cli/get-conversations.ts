import { listAnalysesOf } from '../database/conversation-analyses.ts';
import { listConversations } from '../database/conversations.ts';
import { userIdOf } from '../database/ids.ts';
import type { Queryable } from '../database/queryable.ts';
import { findOrganizations } from './audit/organizations.ts';
import { type ConversationLine, renderConversations } from './get/render-conversations.ts';
import type { GetRulesOptions } from './get-rules.ts';
import { chooseInstallation } from './installation.ts';
import { type OwnerDatabase, withOwnerDatabase } from './owner-database.ts';

/** How many conversations of an organization are printed, the latest. */
const mostConversations = 100;

/** `chaperone get conversations`: prints the latest conversations and how far their analyses are, without what was said. */
export async function getConversations(options: GetRulesOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const { organization, user, output, databaseUrlFile } = options;
  const installation = databaseUrlFile === undefined ? chooseInstallation(options, environment) : undefined;
  if (installation?.kind === 'cluster') {
    const { runInOperator } = await import('./cluster/run-in-operator.ts');
    const named = organization === undefined ? [] : ['--organization', organization];
    const whose = user === undefined ? [] : ['--user', user];
    const command = ['get', 'conversations', '--output', output, ...named, ...whose];
    process.exitCode = await runInOperator(installation, command);
    return;
  }
  const database: OwnerDatabase = installation ?? { databaseUrlFile: databaseUrlFile ?? '' };
  const lines = await withOwnerDatabase(database, 'get-conversations', (db) => readLines(db, organization, user));
  process.stdout.write(renderConversations(lines, output));
}

async function readLines(
  db: Queryable,
  named: string | undefined,
  user: string | undefined,
): Promise<ConversationLine[]> {
  const lines: ConversationLine[] = [];
  for (const { organizationId, name } of await findOrganizations(db, named)) {
    const { conversations } = await listConversations(db, organizationId, {
      userId: user === undefined ? null : userIdOf(organizationId, user),
      ...{ sessionId: null, model: null, since: null, until: null },
      ...{ limit: mostConversations, offset: 0 },
    });
    const ids = conversations.map(({ conversationId }) => conversationId);
    const analyses = Map.groupBy(await listAnalysesOf(db, organizationId, ids), ({ conversationId }) => conversationId);
    for (const conversation of conversations) {
      lines.push({ organization: name, conversation, analyses: analyses.get(conversation.conversationId) ?? [] });
    }
  }
  return lines;
}
