import type { DisabledWebhook } from '../../database/webhooks.ts';
import type { Verdict } from '../runtime/conditions.ts';
import type { GatheredWebhook } from './decide.ts';
import { webhookSecretLabel } from './secret.ts';

export interface JudgedWebhooks {
  readonly organization: string;
  readonly operatorNamespace: string;
  readonly webhooks: readonly GatheredWebhook[];
  /** Those to which nothing is sent any more, those of the API, too. */
  readonly disabled: readonly DisabledWebhook[];
  /** A name that another webhook of the organization has, which the API made. */
  readonly takenName: string | undefined;
  /** Whether the Organization has the condition. */
  readonly hadCondition: boolean;
}

const type = 'WebhooksDeliverable';

/** The condition about webhooks. Undefined for an organization that never had one. */
export function judgeWebhooks(judged: JudgedWebhooks): Verdict | undefined {
  const { organization, operatorNamespace, webhooks, disabled, takenName } = judged;
  const lacking = webhooks.find(({ secret }) => secret.state !== 'permitted');
  if (lacking) return judgeLacking(lacking, organization, operatorNamespace);
  if (takenName !== undefined) {
    return {
      type: 'WebhooksDeliverable',
      status: false,
      reason: 'WebhookNameTaken',
      message: `No webhook of spec.webhooks was changed, since the API has made one with the name "${takenName}". Rename it here, or delete that one.`,
    };
  }
  const [first, ...others] = disabled;
  if (first) {
    const more = others.length > 0 ? ` So is it for ${others.map(({ name }) => `"${name}"`).join(', ')}.` : '';
    return {
      type: 'WebhooksDeliverable',
      status: false,
      reason: 'WebhookDisabled',
      message: `Nothing is sent to webhook "${first.name}" since ${first.disabledAt.toISOString()}, because every attempt had failed for days (${first.reason ?? 'no answer'}).${more} Correct what answers there, then run: chaperone webhooks send-test ${first.name} --organization ${organization}. A test that is delivered ends this.`,
    };
  }
  if (webhooks.length === 0 && !judged.hadCondition) return undefined;
  return { type, status: true, reason: 'Deliverable', message: 'No webhook is known to fail.' };
}

function judgeLacking({ stated, secret }: GatheredWebhook, organization: string, operatorNamespace: string): Verdict {
  const { name, secretRef } = stated;
  const label = `${webhookSecretLabel}=${organization}`;
  if (secret.state === 'missing') {
    return {
      type: 'WebhooksDeliverable',
      status: false,
      reason: 'WebhookSecretMissing',
      message: `Webhook "${name}" has no new secret: create Secret "${secretRef.name}" with key "${secretRef.key}" in namespace ${operatorNamespace}, with the label ${label}. Until then, a former secret goes on to sign; without one, nothing is sent.`,
    };
  }
  if (secret.state === 'unusable') {
    return {
      type: 'WebhooksDeliverable',
      status: false,
      reason: 'WebhookSecretUnusable',
      message: `Key "${secretRef.key}" of Secret "${secretRef.name}" cannot sign for webhook "${name}": it needs 16 to 200 printable characters without spaces. Until then, a former secret goes on to sign; without one, nothing is sent.`,
    };
  }
  return {
    type: 'WebhooksDeliverable',
    status: false,
    reason: 'WebhookSecretNotPermitted',
    message: `Nothing is sent to webhook "${name}": Secret "${secretRef.name}" has no label that allows its use by this Organization, or the operator made it. If this Organization may use it, label it: kubectl label secret --namespace ${operatorNamespace} ${secretRef.name} ${label}`,
  };
}
