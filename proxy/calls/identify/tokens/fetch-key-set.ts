import type { JSONWebKeySet } from 'jose';
import type { Dispatcher } from 'undici';

const timeoutMs = 5_000;
/** Larger than any issuer's key set. */
const maxBytes = 1024 * 1024;

/**
 * Makes the function that fetches the public keys that an issuer publishes.
 *
 * The function throws where no answer comes in time, or the answer is not a key set.
 */
export function makeFetchKeySet(agent: () => Promise<Dispatcher>): (url: string) => Promise<JSONWebKeySet> {
  return async (url) => {
    const { origin, pathname, search } = new URL(url);
    // Redirects are not followed: only the Organization says where keys come from.
    const upstream = await agent();
    const { statusCode, body } = await upstream.request({
      method: 'GET',
      origin,
      path: pathname + search,
      headers: { accept: 'application/jwk-set+json, application/json', 'user-agent': 'chaperone' },
      signal: AbortSignal.timeout(timeoutMs),
    });
    if (statusCode !== 200) {
      // Otherwise undici emits an error that would end the process.
      body.on('error', () => {}).destroy();
      throw new Error(`${url} answers with ${statusCode}`);
    }
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of body) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw new Error(`${url} answers with more than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
    const keySet: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    if (!isKeySet(keySet)) throw new Error(`${url} answers with something that is no key set`);
    return keySet;
  };
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  if (typeof value !== 'object' || value === null || !('keys' in value) || !Array.isArray(value.keys)) return false;
  return value.keys.every((key) => typeof key === 'object' && key !== null);
}
