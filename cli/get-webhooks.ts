import { listAllWebhooks } from '../database/webhooks.ts';
import type { RulesFormat } from './get/render-rules.ts';
import { renderWebhooks } from './get/render-webhooks.ts';
import { chooseInstallation, type InstallationOptions } from './installation.ts';
import { type OwnerDatabase, withOwnerDatabase } from './owner-database.ts';

export interface GetWebhooksOptions extends InstallationOptions {
  /** Absent: all of them. */
  readonly organization?: string;
  readonly output: RulesFormat;
  /** A file with the owner's database URL, instead of an installation. */
  readonly databaseUrlFile?: string;
}

/** `chaperone get webhooks`: prints the webhooks, those of the API, too, and how deliveries to them go. */
export async function getWebhooks(options: GetWebhooksOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const { organization, output, databaseUrlFile } = options;
  const installation = databaseUrlFile === undefined ? chooseInstallation(options, environment) : undefined;
  if (installation?.kind === 'cluster') {
    const { runInOperator } = await import('./cluster/run-in-operator.ts');
    const named = organization === undefined ? [] : ['--organization', organization];
    process.exitCode = await runInOperator(installation, ['get', 'webhooks', '--output', output, ...named]);
    return;
  }
  const database: OwnerDatabase = installation ?? { databaseUrlFile: databaseUrlFile ?? '' };
  const webhooks = await withOwnerDatabase(database, 'get-webhooks', (db) => listAllWebhooks(db, organization));
  process.stdout.write(renderWebhooks(webhooks, output));
}
