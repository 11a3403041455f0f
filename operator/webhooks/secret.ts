import { isWebhookSecret } from '../../database/webhook-secrets.ts';
import type { Secret } from '../cluster/cluster.ts';
import { isOperatorMade } from '../cluster/owned.ts';

/** A Secret with this label may sign what the webhooks of the organization get that the label names. */
export const webhookSecretLabel = 'chaperone.dev/webhook-secret-of';

/** The state of the Secret that a webhook names. */
export type JudgedSecret =
  | { readonly state: 'permitted'; readonly value: string }
  /** `unusable`: it is no secret as in webhook-secrets.ts. */
  | { readonly state: 'missing' | 'not permitted' | 'unusable' };

/**
 * Checks the Secret that a webhook names. The operator reads it with its own rights, not with those of the Organization's
 * writer, so the Secret itself must permit it. White space around the value does not count.
 */
export function judgeWebhookSecret(secret: Secret | undefined, key: string, organization: string): JudgedSecret {
  const bytes = secret?.data[key];
  if (!secret || bytes === undefined || bytes.length === 0) return { state: 'missing' };
  const isPermitted = secret.metadata.labels?.[webhookSecretLabel] === organization;
  if (isOperatorMade(secret) || !isPermitted) return { state: 'not permitted' };
  const value = Buffer.from(bytes).toString('utf8').trim();
  return isWebhookSecret(value) ? { state: 'permitted', value } : { state: 'unusable' };
}
