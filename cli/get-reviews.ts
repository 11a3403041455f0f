import { userIdOf } from '../database/ids.ts';
import type { Queryable } from '../database/queryable.ts';
import { listReviewItems } from '../database/reviews/items.ts';
import { findOrganizations } from './audit/organizations.ts';
import { type ReviewLine, renderReviews } from './get/render-reviews.ts';
import type { GetRulesOptions } from './get-rules.ts';
import { chooseInstallation } from './installation.ts';
import { type OwnerDatabase, withOwnerDatabase } from './owner-database.ts';

/** How many items of an organization are printed. */
const mostItems = 100;

/** `chaperone get reviews`: prints the review queue, open items first, without what they say. */
export async function getReviews(options: GetRulesOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const { organization, user, output, databaseUrlFile } = options;
  const installation = databaseUrlFile === undefined ? chooseInstallation(options, environment) : undefined;
  if (installation?.kind === 'cluster') {
    const { runInOperator } = await import('./cluster/run-in-operator.ts');
    const named = organization === undefined ? [] : ['--organization', organization];
    const whose = user === undefined ? [] : ['--user', user];
    const command = ['get', 'reviews', '--output', output, ...named, ...whose];
    process.exitCode = await runInOperator(installation, command);
    return;
  }
  const database: OwnerDatabase = installation ?? { databaseUrlFile: databaseUrlFile ?? '' };
  const lines = await withOwnerDatabase(database, 'get-reviews', (db) => readLines(db, organization, user));
  process.stdout.write(renderReviews(lines, output));
}

async function readLines(db: Queryable, named: string | undefined, user: string | undefined): Promise<ReviewLine[]> {
  const lines: ReviewLine[] = [];
  for (const { organizationId, name } of await findOrganizations(db, named)) {
    const claimedBy = user === undefined ? null : userIdOf(organizationId, user);
    const filter = { status: null, category: null, priority: null, claimedBy };
    const { items } = await listReviewItems(db, organizationId, filter, { limit: mostItems, offset: 0 });
    lines.push(...items.map((item) => ({ organization: name, item })));
  }
  return lines;
}
