import { listAllArticles } from '../database/knowledge-listing.ts';
import { renderArticles } from './get/render-articles.ts';
import type { RulesFormat } from './get/render-rules.ts';

import { chooseInstallation, type InstallationOptions } from './installation.ts';
import { type OwnerDatabase, withOwnerDatabase } from './owner-database.ts';

export interface GetArticlesOptions extends InstallationOptions {
  /** Absent: all of them. */
  readonly organization?: string;
  readonly output: RulesFormat;
  /** A file with the owner's database URL, instead of an installation. */
  readonly databaseUrlFile?: string;
}

/** `chaperone get articles`: prints the articles of knowledge bases, and how far their index is. Titles are sealed. */
export async function getArticles(options: GetArticlesOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const { organization, output, databaseUrlFile } = options;
  const installation = databaseUrlFile === undefined ? chooseInstallation(options, environment) : undefined;
  if (installation?.kind === 'cluster') {
    const { runInOperator } = await import('./cluster/run-in-operator.ts');
    const named = organization === undefined ? [] : ['--organization', organization];
    process.exitCode = await runInOperator(installation, ['get', 'articles', '--output', output, ...named]);
    return;
  }
  const database: OwnerDatabase = installation ?? { databaseUrlFile: databaseUrlFile ?? '' };
  const articles = await withOwnerDatabase(database, 'get-articles', (db) => listAllArticles(db, organization));
  process.stdout.write(renderArticles(articles, output));
}
