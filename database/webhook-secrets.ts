import { randomBytes } from 'node:crypto';
import type { Envelope } from './envelope.ts';

/** A secret that signs deliveries. */
export interface WebhookSecret {
  readonly secret: string;
  /** ISO 8601: it was replaced, and signs beside its successor until then. Null: it is the current one. */
  readonly until: string | null;
}

/** The webhook that secrets belong to. They open nowhere else. */
export interface WebhookPlace {
  readonly organizationId: string;
  readonly webhookId: string;
}

/** A receiver tries one secret after the other, so there are never many. */
const mostSecrets = 4;

export function sealWebhookSecrets(envelope: Envelope, place: WebhookPlace, secrets: readonly WebhookSecret[]): Buffer {
  return envelope.seal(placeOf(place), JSON.stringify(secrets));
}

/** @throws {EnvelopeError} where the key is unknown, or the secrets belong to another webhook */
export function openWebhookSecrets(envelope: Envelope, place: WebhookPlace, sealed: Uint8Array): WebhookSecret[] {
  return JSON.parse(envelope.open(placeOf(place), sealed).toString()) as WebhookSecret[];
}

/** Puts a new secret in the place of the current one, which signs beside it until `untilMs`. */
export function replaceWebhookSecret(
  former: readonly WebhookSecret[],
  secret: string,
  { nowMs, untilMs }: { readonly nowMs: number; readonly untilMs: number },
): WebhookSecret[] {
  const until = new Date(untilMs).toISOString();
  const others = former
    .filter((one) => one.secret !== secret && isInForce(one, nowMs))
    .map((one) => (one.until === null || one.until > until ? { ...one, until } : one))
    .filter((one) => isInForce(one, nowMs));
  return [{ secret, until: null }, ...others].slice(0, mostSecrets);
}

/** The secrets that sign now, the current one first. */
export function signingSecretsOf(secrets: readonly WebhookSecret[], nowMs: number): string[] {
  return secrets.filter((one) => isInForce(one, nowMs)).map(({ secret }) => secret);
}

/** Makes a secret as Standard Webhooks does: `whsec_` and the base64 of random bytes. */
export function makeWebhookSecret(): string {
  return `whsec_${randomBytes(32).toString('base64')}`;
}

/** Whether nobody guesses a secret, and every receiver can hold it: 16 to 200 printable ASCII characters. */
export function isWebhookSecret(secret: string): boolean {
  return /^[!-~]{16,200}$/.test(secret);
}

function isInForce({ until }: WebhookSecret, nowMs: number): boolean {
  return until === null || Date.parse(until) > nowMs;
}

function placeOf({ organizationId, webhookId }: WebhookPlace) {
  return { organizationId, column: 'webhooks.secrets', rowId: webhookId };
}
