import { isDeepStrictEqual } from 'node:util';
import type { OrganizationSpec } from '../../crds/resources.generated.ts';
import { type Envelope, EnvelopeError } from '../../database/envelope.ts';
import { resourceIdOf } from '../../database/ids.ts';
import {
  openWebhookSecrets,
  replaceWebhookSecret,
  sealWebhookSecrets,
  type WebhookSecret,
} from '../../database/webhook-secrets.ts';
import type { WebhookRow, WebhookWrite } from '../../database/webhooks.ts';
import type { JudgedSecret } from './secret.ts';

type StatedWebhook = NonNullable<OrganizationSpec['webhooks']>[number];

/** A webhook that the Organization states, with its secret and its row. */
export interface GatheredWebhook {
  readonly stated: StatedWebhook;
  readonly secret: JudgedSecret;
}

export interface GatheredWebhooks {
  readonly organizationId: string;
  readonly webhooks: readonly GatheredWebhook[];
  /** Those that an Organization has stated so far. */
  readonly rows: readonly WebhookRow[];
}

export interface WebhooksDecision {
  readonly writes: readonly WebhookWrite[];
  /** The ids of those that are not stated any more. */
  readonly removals: readonly string[];
}

/** How long a replaced secret signs beside its successor. */
export const secretOverlapMs = 86_400_000;

/** Decides which rows change, so that an equal row is not written. */
export function decideWebhooks(
  { organizationId, webhooks, rows }: GatheredWebhooks,
  envelope: Envelope,
  nowMs: number,
): WebhooksDecision {
  const known = new Map(rows.map((row) => [row.webhookId, row]));
  const writes = webhooks.flatMap(({ stated, secret }) => {
    const { name, url, events = null, active = true } = stated;
    const webhookId = resourceIdOf(organizationId, 'Webhook', name);
    const row = known.get(webhookId);
    known.delete(webhookId);
    // Without a secret, what is sent could not be told from what somebody else sends.
    const secrets = decideSecrets({ organizationId, webhookId }, row, secret, envelope, nowMs);
    if (!secrets) return [];
    // A Secret that may no longer be used signs nothing.
    const isActive = active && secret.state !== 'not permitted';
    const next = { name, url, events: events && [...events].sort(), isActive };
    const now = row && { name: row.name, url: row.url, events: row.events, isActive: row.isActive };
    if (secrets === 'unchanged' && isDeepStrictEqual(now, next)) return [];
    const secretsSealed =
      secrets === 'unchanged'
        ? (row?.secretsSealed ?? Buffer.alloc(0))
        : sealWebhookSecrets(envelope, { organizationId, webhookId }, secrets);
    return [{ organizationId, webhookId, ...next, secretsSealed }];
  });
  return { writes, removals: [...known.keys()] };
}

/** Undefined: it has none. */
function decideSecrets(
  place: { readonly organizationId: string; readonly webhookId: string },
  row: WebhookRow | undefined,
  secret: JudgedSecret,
  envelope: Envelope,
  nowMs: number,
): readonly WebhookSecret[] | 'unchanged' | undefined {
  const former = row && openFormer(place, row, envelope);
  if (secret.state !== 'permitted') return former && (isCurrent(row, envelope) ? 'unchanged' : former);
  if (former?.[0]?.secret === secret.value && isCurrent(row, envelope)) return 'unchanged';
  return replaceWebhookSecret(former ?? [], secret.value, { nowMs, untilMs: nowMs + secretOverlapMs });
}

function isCurrent(row: WebhookRow | undefined, envelope: Envelope): boolean {
  return row !== undefined && envelope.isCurrent(row.secretsSealed);
}

/** Secrets whose data key was lost are stated anew. */
function openFormer(
  place: { readonly organizationId: string; readonly webhookId: string },
  { secretsSealed }: WebhookRow,
  envelope: Envelope,
): WebhookSecret[] | undefined {
  try {
    return openWebhookSecrets(envelope, place, secretsSealed);
  } catch (error) {
    if (error instanceof EnvelopeError) return undefined;
    throw error;
  }
}
