import { createHmac } from 'node:crypto';

/** A delivery that is to be signed. */
export interface Signable {
  /** The same in each attempt, so that a receiver recognizes what it has had. */
  readonly id: string;
  /** When this attempt is made, so that a receiver refuses what somebody sends again later. */
  readonly timestampS: number;
  readonly body: string;
}

/**
 * Makes the headers by which a receiver knows the sender:
 * - `X-Webhook-Signature`: `sha256=` and the HMAC of the body, in hexadecimal. The key is the text of the secret.
 * - `webhook-id`, `webhook-timestamp` and `webhook-signature` as in Standard Webhooks
 *   (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md), one signature for each
 *   secret. The key is what follows `whsec_`, in base64; of a secret of another form, its text.
 *
 * @param secrets the current one first. While replaced ones are still in force, `X-Webhook-Signature-Previous` is that of
 *   the last current one
 */
export function signDelivery(delivery: Signable, secrets: readonly string[]): Record<string, string> {
  const { id, timestampS, body } = delivery;
  const [current, previous] = secrets.map((secret) => `sha256=${hmac(secret, body).toString('hex')}`);
  const signed = `${id}.${timestampS}.${body}`;
  return {
    'webhook-id': id,
    'webhook-timestamp': String(timestampS),
    'webhook-signature': secrets.map((secret) => `v1,${hmac(keyOf(secret), signed).toString('base64')}`).join(' '),
    ...(current !== undefined && { 'x-webhook-signature': current }),
    ...(previous !== undefined && { 'x-webhook-signature-previous': previous }),
  };
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function keyOf(secret: string): string | Buffer {
  const [, encoded] = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(secret) ?? [];
  return encoded === undefined ? secret : Buffer.from(encoded, 'base64');
}
