import type { JSONWebKeySet } from 'jose';
import type { ApiClient } from './api-client.ts';

/** Who signs the tokens of the cluster's service accounts, and with which keys. */
export interface ServiceAccountIssuer {
  readonly issuer: string;
  /** Public ones. */
  readonly jwks: JSONWebKeySet;
}

/** How long an answer is good for: keys change rarely, and are shown well before they are used. */
const freshMs = 60_000;

/**
 * Asks the API server itself, whatever address its discovery document gives for the keys: that one may be for clients
 * elsewhere.
 *
 * @returns looks the issuer up; throws ApiError where the API server does not tell
 * @see https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery
 */
export function makeServiceAccountIssuer(client: Pick<ApiClient, 'send'>): () => Promise<ServiceAccountIssuer> {
  let known: { readonly atMs: number; readonly answer: Promise<ServiceAccountIssuer> } | undefined;
  const ask = async (): Promise<ServiceAccountIssuer> => {
    const [{ issuer }, { keys }] = await Promise.all([
      client.send<{ issuer: string }>({ method: 'GET', path: '/.well-known/openid-configuration' }),
      client.send<JSONWebKeySet>({ method: 'GET', path: '/openid/v1/jwks', accept: 'application/jwk-set+json' }),
    ]);
    return { issuer, jwks: { keys } };
  };
  return () => {
    if (known && Date.now() - known.atMs < freshMs) return known.answer;
    const asked = { atMs: Date.now(), answer: ask() };
    known = asked;
    asked.answer.catch(() => {
      if (known === asked) known = undefined;
    });
    return asked.answer;
  };
}
