import { setTimeout as delay } from 'node:timers/promises';
import type { Queryable } from '../database/queryable.ts';
import { type DeliveryRow, readDelivery, testWebhookOf } from '../database/webhook-deliveries.ts';
import { listAllWebhooks } from '../database/webhooks.ts';
import { chooseInstallation, type InstallationOptions } from './installation.ts';
import { type OwnerDatabase, withOwnerDatabase } from './owner-database.ts';

export interface SendTestOptions extends InstallationOptions {
  /** Absent: the only one that has a webhook of this name. */
  readonly organization?: string;
  /** The webhook's. */
  readonly name: string;
  readonly waitMs: number;
  /** A file with the owner's database URL, instead of an installation. */
  readonly databaseUrlFile?: string;
}

/**
 * `chaperone webhooks send-test`: sends a webhook an event that says nothing, and prints how that went. A test that is
 * delivered enables a webhook that was disabled.
 *
 * @throws where it was not delivered
 */
export async function sendTest(options: SendTestOptions, environment: NodeJS.ProcessEnv): Promise<void> {
  const { name, organization, waitMs, databaseUrlFile } = options;
  const installation = databaseUrlFile === undefined ? chooseInstallation(options, environment) : undefined;
  if (installation?.kind === 'cluster') {
    const { runInOperator } = await import('./cluster/run-in-operator.ts');
    const named = organization === undefined ? [] : ['--organization', organization];
    const command = ['webhooks', 'send-test', name, '--wait', `${waitMs / 1_000}s`, ...named];
    process.exitCode = await runInOperator(installation, command);
    return;
  }
  const database: OwnerDatabase = installation ?? { databaseUrlFile: databaseUrlFile ?? '' };
  const delivery = await withOwnerDatabase(database, 'send-test', async (db) => {
    const { organizationId, webhookId } = await requireWebhook(db, name, organization);
    const id = await testWebhookOf(db, organizationId, webhookId);
    return id === undefined ? undefined : whenEnded(db, organizationId, id, waitMs);
  });
  if (delivery?.state !== 'delivered') throw new Error(describeFailure(name, delivery));
  const { lastStatus, lastDurationMs } = delivery;
  process.stdout.write(`Webhook ${name} answered ${lastStatus} after ${Math.round(lastDurationMs ?? 0)} ms.\n`);
}

async function requireWebhook(db: Queryable, name: string, organization: string | undefined) {
  const found = (await listAllWebhooks(db, organization)).filter((webhook) => webhook.name === name);
  const [webhook, ...others] = found;
  if (!webhook) throw new Error(`There is no webhook "${name}"; chaperone get webhooks lists those that there are`);
  if (others.length === 0) return webhook;
  const names = found.map((one) => one.organization).join(', ');
  throw new Error(`--organization is needed, since several have a webhook "${name}": ${names}`);
}

async function whenEnded(db: Queryable, organizationId: string, id: string, waitMs: number) {
  const endTicks = performance.now() + waitMs;
  for (;;) {
    const delivery = await readDelivery(db, organizationId, id);
    if (delivery?.state !== 'waiting' || performance.now() > endTicks) return delivery;
    await delay(200);
  }
}

function describeFailure(name: string, delivery: DeliveryRow | undefined): string {
  if (!delivery) return `Webhook ${name} has been deleted`;
  const { state, lastError } = delivery;
  if (state === 'waiting') {
    return `The test for webhook ${name} waits for a worker; is there one? (chaperone get jobs shows what waits)`;
  }
  return `The test for webhook ${name} was not delivered: ${lastError ?? 'a worker ended in the middle of it'}`;
}
