import { EnvelopeError } from '../../database/envelope.ts';
import { addJob } from '../../database/jobs.ts';
import type { Queryable } from '../../database/queryable.ts';
import { inTransaction } from '../../database/transaction.ts';
import {
  type DueDelivery,
  findDueDelivery,
  findNextDelivery,
  lockSubject,
  noteAttempt,
  noteDead,
  noteFailing,
  noteHealthy,
} from '../../database/webhook-deliveries.ts';
import { openWebhookSecrets, signingSecretsOf } from '../../database/webhook-secrets.ts';
import { JobError } from '../job-error.ts';
import type { Task, TaskContext } from '../task.ts';
import { sendToWebhook, type WebhookAnswer } from '../webhooks/send.ts';
import { signDelivery } from '../webhooks/sign.ts';

type Context = Omit<TaskContext, 'ask'>;

/** A webhook of which every attempt has failed for longer is disabled. */
const patienceMs = 3 * 86_400_000;
/** Over 22 hours, as in emit_event_of.sql. */
const attempts = 13;
const testEvent = 'webhook.test';

/**
 * Delivers an event to a webhook. Of the deliveries about one subject, only the first that waits has a job. What ends it
 * adds the job of the next, in the same transaction.
 */
export const deliverWebhook: Task = {
  async run(context, id) {
    const { organization, worker } = context;
    const delivery = await organization.store.run((db) => findDueDelivery(db, organization.id, id));
    // It was erased, or an attempt that was killed later has delivered it.
    if (!delivery || delivery.state === 'delivered') return;
    const isTest = delivery.event === testEvent;
    if (!delivery.isActive || (delivery.isDisabled && !isTest)) {
      return giveUp(context, id, delivery, 'webhook_disabled: Nothing is sent to this webhook');
    }
    const answer = await attempt(context, delivery);
    const { status, failure, durationMs } = answer;
    worker.webhooks.attempts.inc({ outcome: failure?.code ?? 'delivered' });
    worker.webhooks.duration.observe(durationMs / 1_000);
    if (!failure) return noteDelivered(context, id, delivery, answer);
    const error = `${failure.code}: ${failure.message}`;
    await organization.store.run((db) => noteAttempt(db, organization.id, id, { status, error, durationMs }));
    const isGone = status === 410;
    if (!isTest) await noteFailure(context, delivery, error, isGone ? 0 : patienceMs);
    throw new JobError(failure.code, failure.message, { isFinal: isTest || isGone });
  },
  async gaveUp(context, id) {
    const { organization } = context;
    const delivery = await organization.store.run((db) => findDueDelivery(db, organization.id, id));
    if (delivery) await giveUp(context, id, delivery, null);
  },
};

async function noteDelivered(
  context: Context,
  id: string,
  delivery: DueDelivery,
  { status, durationMs }: WebhookAnswer,
): Promise<void> {
  const { organization, worker } = context;
  const { webhookId, occurredAt, state } = delivery;
  await endDelivery(context, delivery, async (db) => {
    await noteAttempt(db, organization.id, id, { status, error: null, durationMs });
    await noteHealthy(db, organization.id, webhookId);
    // A dead letter that is tried again had been in nobody's way.
    return state === 'waiting';
  });
  worker.webhooks.lag.observe(Math.max(0, (Date.now() - occurredAt.getTime()) / 1_000));
}

async function noteFailure(
  { organization, worker, log }: Context,
  { webhookId }: DueDelivery,
  reason: string,
  patienceMs: number,
): Promise<void> {
  const note = { reason, patienceMs };
  const isDisabled = await organization.store.run((db) => noteFailing(db, organization.id, webhookId, note));
  if (!isDisabled) return;
  worker.webhooks.disabled.inc();
  log.error({ webhook: webhookId, reason }, 'a webhook is disabled');
}

async function attempt({ organization, worker, signal }: Context, delivery: DueDelivery): Promise<WebhookAnswer> {
  const { eventId, url, networks } = delivery;
  const body = bodyOf(delivery);
  const signable = { id: eventId, timestampS: Math.floor(Date.now() / 1_000), body };
  const headers = signDelivery(signable, openSecrets({ organization }, delivery));
  return sendToWebhook({ url, headers, body, networks, egress: worker.egress, signal });
}

/** @throws {JobError} `webhook_secret_unusable` */
function openSecrets({ organization }: Pick<Context, 'organization'>, delivery: DueDelivery): string[] {
  const { envelope } = organization.inForce();
  const place = { organizationId: organization.id, webhookId: delivery.webhookId };
  try {
    return signingSecretsOf(openWebhookSecrets(envelope, place, delivery.secretsSealed), Date.now());
  } catch (cause) {
    if (!(cause instanceof EnvelopeError)) throw cause;
    throw new JobError('webhook_secret_unusable', 'The secret of the webhook cannot be opened', { cause });
  }
}

/** What a receiver gets, the same in each attempt. */
function bodyOf({ event, occurredAt, data, hasUser, user }: DueDelivery): string {
  const timestamp = occurredAt.toISOString().replace(/\.\d+Z$/, 'Z');
  return JSON.stringify({ event, timestamp, data: hasUser ? { ...data, user_id: user } : data });
}

async function giveUp(context: Context, id: string, delivery: DueDelivery, error: string | null): Promise<void> {
  const { organization, worker } = context;
  let isDead = false;
  await endDelivery(context, delivery, async (db) => {
    isDead = await noteDead(db, organization.id, id, error);
    return isDead;
  });
  if (isDead) worker.webhooks.dead.inc();
}

/** Ends a delivery, and adds the job of the next one about the same subject. @param end returns whether it had waited */
async function endDelivery(
  { organization }: Context,
  delivery: DueDelivery,
  end: (db: Queryable) => Promise<boolean>,
): Promise<void> {
  await organization.store.run((db) =>
    inTransaction(db, async () => {
      await lockSubject(db, organization.id, delivery.subject);
      if (!(await end(db))) return;
      const next = await findNextDelivery(db, organization.id, delivery);
      if (next !== undefined) await addJob(db, { task: 'deliver-webhook', id: next, attempts });
    }),
  );
}
