import type { JSONWebKeySet } from 'jose';
import type { ApiClient } from './api-client.ts';

/** The issuer of the cluster's service account tokens, with its keys. */
export interface ServiceAccountIssuer {
  readonly issuer: string;
  /** The public keys. */
  readonly jwks: JSONWebKeySet;
}

/** How long an answer is reused. Keys change rarely, and are published well before they are used. */
const cacheMs = 60_000;

/**
 * Reads the keys from the API server itself. The address in the discovery document may be meant for clients outside the
 * cluster.
 *
 * @returns a function that looks up the issuer; it throws ApiError where the API server refuses
 * @see
 * https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery
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
    if (known && Date.now() - known.atMs < cacheMs) return known.answer;
    const asked = { atMs: Date.now(), answer: ask() };
    known = asked;
    asked.answer.catch(() => {
      if (known === asked) known = undefined;
    });
    return asked.answer;
  };
}
