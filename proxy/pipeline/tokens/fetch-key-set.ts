import type { JSONWebKeySet } from 'jose';

const timeoutMs = 5_000;

/**
 * Fetches the public keys that an issuer publishes.
 *
 * @throws where there is no answer in time, or it is no key set
 */
export async function fetchKeySet(url: string): Promise<JSONWebKeySet> {
  const answer = await fetch(url, {
    // Where keys come from is for the Organization to say.
    redirect: 'manual',
    headers: { accept: 'application/jwk-set+json, application/json', 'user-agent': 'chaperone' },
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (answer.status !== 200) {
    await answer.body?.cancel();
    throw new Error(`${url} answers with ${answer.status}`);
  }
  const keySet: unknown = await answer.json();
  if (!isKeySet(keySet)) throw new Error(`${url} answers with something that is no key set`);
  return keySet;
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  if (typeof value !== 'object' || value === null || !('keys' in value) || !Array.isArray(value.keys)) return false;
  return value.keys.every((key) => typeof key === 'object' && key !== null);
}
